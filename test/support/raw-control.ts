// What does a client hear that speaks FTP octet by octet over a bare socket? Attackers do, and no real client can be
// brought to say what they say. Octets are latin1 text; every wait has a bound.

import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { LabEndpoint } from './lab.ts';
import { patienceMs } from './watch.ts';

export type HowEnded = 'end' | 'reset';

export class RawControl {
  /** How the gateway's direction ended. */
  readonly ended: Promise<HowEnded>;
  readonly #socket: Socket;
  #unread = '';
  #over: HowEnded | undefined;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#unread += text;
      this.#wake();
    });
    this.ended = new Promise((resolve) => {
      const end = (how: HowEnded): void => {
        this.#over ??= how;
        resolve(this.#over);
        this.#wake();
      };
      socket.once('end', () => end('end'));
      // A close after either of the others changes nothing.
      socket.once('error', () => end('reset')).once('close', () => end('reset'));
    });
  }

  /** Connects, from `localAddress` where it matters who the client is. */
  static open({ host, port }: LabEndpoint, localAddress?: string): Promise<RawControl> {
    return new Promise((resolve, reject) => {
      const socket = connect(localAddress === undefined ? { host, port } : { host, port, localAddress });
      socket.setNoDelay(true);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawControl(socket));
      });
    });
  }

  /** Connects and logs in; the greeting and the replies are checked. */
  static async login(
    target: LabEndpoint,
    { user, password }: { readonly user: string; readonly password: string },
    localAddress?: string,
  ): Promise<RawControl> {
    const control = await RawControl.open(target, localAddress);
    const replies = [await control.reply(), await control.ask(`USER ${user}`), await control.ask(`PASS ${password}`)];
    if (!/^220.*331.*230/s.test(replies.join(' '))) throw new Error(`no login: ${replies.join(' | ')}`);
    return control;
  }

  /** Puts TLS over the connection, after whatever was said in the clear; whose certificate it is does not matter. */
  static secured(control: RawControl): Promise<{ control: RawControl; tls: TLSSocket }> {
    const socket = control.#socket;
    socket.removeAllListeners('data');
    return new Promise((resolve, reject) => {
      const tls = connectTls({ socket, rejectUnauthorized: false });
      tls.once('error', reject);
      tls.once('secureConnect', () => {
        tls.off('error', reject);
        resolve({ control: new RawControl(tls), tls });
      });
    });
  }

  /** This end's address and port. */
  get local(): LabEndpoint {
    return { host: this.#socket.localAddress ?? '', port: this.#socket.localPort ?? 0 };
  }

  /** Sends as it is, in one write; false when the kernel has to be waited for. */
  send(text: string): boolean {
    return this.#socket.write(text, 'latin1');
  }

  /** Sends as it is and resolves when the kernel has taken all of it. */
  sent(octets: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(octets, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Sends a command and resolves with the next whole reply. */
  ask(command: string): Promise<string> {
    this.send(`${command}\r\n`);
    return this.reply();
  }

  /**
   * The next whole reply without its last CR LF; rejects when the connection ends before it, or when it does not come.
   */
  async reply(): Promise<string> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const reply = firstReply(this.#unread);
      if (reply !== undefined) {
        this.#unread = this.#unread.slice(reply.length + 2);
        return reply;
      }
      if (this.#over !== undefined) throw new Error(`the connection ended (${this.#over}) after ${this.#unread}`);
      if (Date.now() > deadline) throw new Error(`no reply within ${patienceMs} ms, only: ${this.#unread}`);
      await this.#change(deadline - Date.now());
    }
  }

  /** What has come and was not taken by `reply`. */
  get unread(): string {
    return this.#unread;
  }

  /** Stops reading: what the gateway sends from now on waits in the kernel. */
  pause(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.destroy();
  }

  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms + 1);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** RFC 959 §4.2: one line, or from `ddd-` to the line that begins with the same code and a blank. */
function firstReply(text: string): string | undefined {
  const [, code] = /^(\d{3})-/.exec(text) ?? [];
  const whole = code === undefined ? /^[^\n]*\r\n/ : new RegExp(`^${code}-[^]*?\\n${code} [^\\n]*\\r\\n`);
  return whole.exec(text)?.[0].slice(0, -2);
}
