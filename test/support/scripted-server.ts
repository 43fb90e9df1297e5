// What does an FTP server do that wants to harm? It answers each verb as the test says. What the test leaves out is
// answered as a plain server would, so that a script holds only its crime.

import { createServer, type Socket } from 'node:net';
import type { Lab, LabEndpoint } from './lab.ts';

export interface ScriptedSession {
  readonly socket: Socket;
  /** Sends as it is, latin1. */
  write(text: string): void;
  /** Every line that has come in this session. */
  readonly lines: string[];
}

/** What becomes of a verb: a reply line without CR LF, or anything else. */
export type ScriptedVerb = string | ((session: ScriptedSession, argument: string) => unknown);

export interface Script {
  /** `silent` accepts and never greets. */
  readonly greeting?: string | 'silent';
  readonly verbs?: Readonly<Record<string, ScriptedVerb>>;
}

export interface ScriptedServer extends LabEndpoint {
  /** Every line that has come, over all sessions, in order. */
  readonly lines: string[];
  readonly sessions: ScriptedSession[];
  readonly user: string;
  readonly password: string;
}

const plain: Readonly<Record<string, ScriptedVerb>> = {
  USER: '331 Password, please.',
  PASS: '230 Come in.',
  TYPE: '200 So be it.',
  NOOP: '200 Nothing done.',
  QUIT: (session) => {
    session.write('221 Goodbye.\r\n');
    session.socket.end();
  },
};

/** Listens at an endpoint of its own until the lab closes. */
export async function startScriptedServer(lab: Lab, script: Script = {}, family: 4 | 6 = 4): Promise<ScriptedServer> {
  return startScriptedServerAt(lab, await lab.endpoint(family), script);
}

/** The same at an endpoint of the test's choice. */
export async function startScriptedServerAt(
  lab: Lab,
  { host, port }: LabEndpoint,
  script: Script,
): Promise<ScriptedServer> {
  const lines: string[] = [];
  const sessions: ScriptedSession[] = [];
  const verbs = { ...plain, ...script.verbs };
  const server = createServer((socket) => {
    const session: ScriptedSession = { socket, lines: [], write: (text) => socket.write(text, 'latin1') };
    sessions.push(session);
    socket.setEncoding('latin1').setNoDelay(true);
    socket.on('error', () => socket.destroy());
    if (script.greeting !== 'silent') session.write(script.greeting ?? '220 A server.\r\n');
    let rest = '';
    socket.on('data', (text: string) => {
      const parts = (rest + text).split('\r\n');
      rest = parts.pop() ?? '';
      for (const line of parts) {
        lines.push(line);
        session.lines.push(line);
        answer(session, verbs, line);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  lab.onClose(() => {
    server.close();
    for (const { socket } of sessions) socket.destroy();
  });
  return { host, port, lines, sessions, user: 'tester', password: 'open-sesame' };
}

function answer(session: ScriptedSession, verbs: Readonly<Record<string, ScriptedVerb>>, line: string): void {
  const [, verb = '', argument = ''] = /^(\S*) ?(.*)$/s.exec(line) ?? [];
  const act = verbs[verb.toUpperCase()] ?? '502 Not known here.';
  if (typeof act === 'string') session.write(`${act}\r\n`);
  // One that rejects is an unhandled rejection, and that fails the test.
  else void act(session, argument);
}
