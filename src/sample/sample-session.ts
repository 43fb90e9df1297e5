// What does the sample server do with one client's control connection? It answers one command after another, in order;
// only ABOR and STAT reach a transfer that is running (RFC 959 §4.1.3). Everything is bounded: lines, waiting commands,
// time.

import type { Socket } from 'node:net';
import { plainAddress, type SampleData } from './sample-data.ts';
import { sampleLineReader } from './sample-line.ts';

export type SampleVerb = (session: SampleSession, argument: string) => void | Promise<void>;

/** Octets that all clients together may still upload: the folder is often in memory. */
export interface SampleRoom {
  octetsLeft: number;
}

/** A client that sends 1,000 commands ahead of our replies is not a client. */
const waitingCommandsMax = 1000;

/** RFC 1123 §4.1.3.2: an idle timer of at least five minutes. A transfer is not idleness. */
const idleTimeoutMs = 300_000;

const beforeLogin = new Set(['USER', 'PASS', 'QUIT', 'NOOP', 'FEAT', 'HELP', 'SYST', 'HOST', 'OPTS']);

/** RFC 959 wants the transfer right after REST, but lftp sends PASV between the two. All else forgets the offset. */
const keepsRestart = new Set(['REST', 'PASV', 'EPSV', 'PORT', 'EPRT', 'TYPE']);

export class SampleSession {
  readonly control: Socket;
  readonly root: string;
  readonly room: SampleRoom;
  /** The working folder, as the client sees it. */
  folder = '/';
  user: string | undefined;
  loggedIn = false;
  /** RFC 3659 §5: where the next RETR or STOR begins. */
  restartAt = 0;
  renameFrom: string | undefined;
  data: SampleData | undefined;
  /** RFC 2428 §4: after EPSV ALL every other set-up command is refused. */
  epsvOnly = false;
  /** Set while octets may move: ends the transfer from outside. */
  abortTransfer: (() => void) | undefined;

  readonly #verbs: ReadonlyMap<string, SampleVerb>;
  readonly #waiting: string[] = [];
  #working = false;
  #ended = false;

  constructor(control: Socket, root: string, room: SampleRoom, verbs: ReadonlyMap<string, SampleVerb>) {
    this.control = control;
    this.root = root;
    this.room = room;
    this.#verbs = verbs;
    const read = sampleLineReader(
      (line) => this.#onLine(line),
      () => this.end(500, 'Line too long.'),
    );
    control.on('data', read);
    control.once('end', () => this.#onLine('QUIT'));
    control.once('close', () => this.#forgetTransfer());
    control.on('error', () => control.destroy());
    control.setTimeout(idleTimeoutMs, () => this.#onIdle());
    this.reply(220, 'Portcullis sample server. Log in with any name and any password.');
  }

  reply(code: number, text: string): void {
    this.write(`${code} ${text}\r\n`);
  }

  /** Octets as latin1. */
  write(text: string): void {
    if (this.control.writable) this.control.write(text, 'latin1');
  }

  end(code: number, text: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#waiting.length = 0;
    this.reply(code, text);
    this.control.end();
    this.#forgetTransfer();
    // What the client still sends is read and dropped, so that our last reply is not lost to a reset.
    this.control.removeAllListeners('data').resume();
  }

  /** Exactly one data connection may be prepared; the newest preparation counts. */
  prepare(data: SampleData): void {
    this.data?.close();
    this.data = data;
    if (this.control.destroyed) this.#forgetTransfer();
  }

  get peer(): string {
    return plainAddress(this.control.remoteAddress);
  }

  #onIdle(): void {
    if (this.abortTransfer === undefined) this.end(421, 'Idle for too long.');
  }

  #onLine(line: string): void {
    if (this.#ended) return;
    if (/^ABOR *$/i.test(line)) this.abortTransfer?.();
    if (/^STAT *$/i.test(line) && this.abortTransfer) {
      this.reply(211, 'A transfer is running.');
      return;
    }
    if (this.#waiting.length >= waitingCommandsMax) {
      this.end(421, 'Too many commands at once.');
      return;
    }
    this.#waiting.push(line);
    if (!this.#working) void this.#work();
  }

  async #work(): Promise<void> {
    this.#working = true;
    for (let line = this.#waiting.shift(); line !== undefined; line = this.#waiting.shift()) {
      await this.#obey(line).catch((error: unknown) => this.reply(451, `Cannot do that: ${reasonOf(error)}.`));
    }
    this.#working = false;
  }

  async #obey(line: string): Promise<void> {
    // Exactly one blank ends the verb: further ones belong to the argument, a file name (RFC 3659 §2.2).
    const [, verb = '', argument = ''] = /^([A-Za-z]*) ?(.*)$/s.exec(line) ?? [];
    const name = verb.toUpperCase();
    const act = this.#verbs.get(name);
    if (act === undefined) this.reply(502, 'Not known here.');
    else if (!this.loggedIn && !beforeLogin.has(name)) this.reply(530, 'Log in first.');
    else {
      await act(this, argument);
      if (!keepsRestart.has(name)) this.restartAt = 0;
      if (name !== 'RNFR') this.renameFrom = undefined;
    }
  }

  #forgetTransfer(): void {
    this.abortTransfer?.();
    this.data?.close();
    this.data = undefined;
  }
}

/** The errno's name where there is one; never a real path, which the whole message of a file error would show. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unforeseen trouble';
}
