/** A server that is older than it is: some methods are unknown to it. */
import { type Dialer, socketDialer } from "../../src/index.ts";
import { failure, RequestObject } from "../../src/message.ts";

/** Dials as ever, and answers these methods of this database with "unknown method", as a server does that lacks them. */
export function refusing(database: string, methods: readonly string[]): Dialer {
  return (endpoint, events, sink) => {
    const connection = socketDialer()(endpoint, events, sink);
    const send = connection.send.bind(connection);
    connection.send = (message) => {
      const isRefused =
        message instanceof RequestObject &&
        methods.includes(message.method) &&
        (message.params as unknown[])[0] === database;
      if (isRefused) setImmediate(() => events.message(failure(message.id as number, "unknown method"), 1));
      else send(message);
    };
    return connection;
  };
}
