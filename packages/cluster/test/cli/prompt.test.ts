import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { askOn } from "../../src/edge/cli/prompt.ts";

function ask(act: (input: PassThrough, abort: AbortController) => unknown): {
  answer: Promise<boolean>;
  said: () => string;
} {
  const [input, output, abort] = [new PassThrough(), new PassThrough(), new AbortController()];
  const answer = askOn(input, output, "Do it?", abort.signal);
  act(input, abort);
  return { answer, said: () => String(output.read()) };
}

describe("a question", () => {
  it.each([
    ["y\n", true],
    ["YES\n", true],
    ["  yes  \n", true],
    ["\n", false],
    ["n\n", false],
    ["yes please\n", false],
    ["yess\n", false],
  ])("answered with %j is %s", async (text, wanted) => {
    const { answer, said } = ask((input) => input.write(text));
    expect(await answer).toBe(wanted);
    expect(said()).toBe("Do it? [y/N] ");
  });

  it("is a no at the end of input, with half a line before it too, and after the end", async () => {
    expect(await ask((input) => input.end()).answer).toBe(false);
    const input = new PassThrough();
    input.end();
    input.resume();
    await new Promise<void>((resolve) => input.once("end", resolve));
    expect(await askOn(input, new PassThrough(), "Do it?", new AbortController().signal)).toBe(false);
  });

  it("is a no at once when the signal is aborted, before and while it waits", async () => {
    expect(await ask((_input, abort) => abort.abort()).answer).toBe(false);
    expect(await askOn(new PassThrough(), new PassThrough(), "Do it?", AbortSignal.abort())).toBe(false);
  });
});
