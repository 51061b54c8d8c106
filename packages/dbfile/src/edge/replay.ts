/** Rows of a file at its end or at an earlier moment. */
import { replay as replayCore, type Replayed, type ReplayOptions } from "../replay.ts";
import { type DbFileOrPath, type OpenOptions, withDbFile } from "./db-file.ts";
import { runPaced } from "./pace.ts";

/**
 * Replays a file to rows. They are held as bytes of JSON, so that memory is about the size of the content in the file; a
 * row is decoded when it is asked for.
 *
 * @throws DbFileError `JOINING`, `NOT_FOUND` for a moment that the file does not hold, `BAD_RECORD` or `BAD_TRANSACTION`
 * where ovsdb-server would stop reading (see `untilBad`). A damaged tail is passed over, as ovsdb-server does.
 */
export async function replay(target: DbFileOrPath, options: ReplayOptions & OpenOptions = {}): Promise<Replayed> {
  return await withDbFile(target, async (file) => {
    const survey = await file.survey(options);
    return await runPaced(
      replayCore(survey, (of) => file.reread(of), options),
      options.signal,
    );
  });
}
