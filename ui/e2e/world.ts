import { connect, type Socket } from "node:net";
import { createInterface, type Interface } from "node:readline";

/** What an operator knows of the box. */
export interface Box {
  url: string;
  /** From the console. */
  token: string;
  /** Where the application's page answers. */
  application: string;
  company: string;
}

/** Asks whoever runs the servers behind the pages (`tests/tests/browser/talk.rs`) to do something to them. */
export class World {
  readonly #socket: Socket;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  static async meet(): Promise<World> {
    const port = Number(process.env["WORLD"]);
    if (!port) throw new Error("WORLD names no port: this scenario is started by tests/tests/browser");
    const socket = connect(port, "127.0.0.1");
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new World(socket);
  }

  /** Resolves once it is done. */
  async ask(...words: string[]): Promise<unknown> {
    this.#socket.write(`${JSON.stringify(words)}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`nobody answers ${words.join(" ")}`);
    const answer = JSON.parse(value) as { ok?: unknown; error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.ok;
  }

  async box(): Promise<Box> {
    return (await this.ask("box")) as Box;
  }

  /** An install code that was just issued. */
  async code(): Promise<string> {
    return (await this.ask("code")) as string;
  }

  leave(): void {
    this.#lines.close();
    this.#socket.destroy();
  }
}
