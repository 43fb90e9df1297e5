// The law of replies: where the server answers each command that it gets once, in order, the client reads exactly one
// final reply to each of its commands, in order. Refusals of the gateway are among them, and overtake nothing.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readReplyLine } from '../../src/wire/reply.ts';
import { fuzz } from '../support/fuzz.ts';
import { type ArbitraryScene, scenes } from '../support/session-arbitraries.ts';
import { beginLife } from '../support/session-life.ts';
import type { SessionStage } from '../support/session-stage.ts';

/** The client sends one more command; or the server writes one more line of what it owes. */
type Turn = { readonly who: 'client'; readonly verb: string } | { readonly who: 'server'; readonly manner: number };

const verbs = fc.constantFrom(
  ...['CWD', 'RETR', 'STOR', 'ABOR', 'NOOP', 'SIZE', 'HELP', 'REIN', 'TYPE', 'MLSD', 'PASV', 'EPSV', 'PORT', 'EPRT'],
  ...['PORT 192,0,2,66,0,25', 'PORT 1,2', 'EPSV ALL', 'EPSV 3', 'LPRT', 'SPDT', 'AUTH', 'XYZZY', 'SITE', 'STAT'],
);
const turns: fc.Arbitrary<Turn[]> = fc.array(
  fc.oneof(
    fc.record({ who: fc.constant('client'), verb: verbs }),
    fc.record({ who: fc.constant('server'), manner: fc.nat({ max: 5 }) }),
  ),
  { maxLength: 40, size: 'max' },
);

function manyLines(code: number, number: string): string[] {
  return [`${code}-text`, '227 (10,0,0,66,1,1)', '', `${code} ${number}`];
}

/** An honest server. Its replies to commands that it got as the client wrote them repeat their number. */
class HonestServer {
  readonly owed: string[] = [];
  /** How many ABORs got no reply of their own. */
  merged = 0;
  private readonly toAbort: 'one reply' | 'two replies';
  private readonly transfers = new Set<string>();
  private nextPort = 20_000;

  /** Some servers answer an aborted transfer and its ABOR by one reply, others by two. */
  constructor(toAbort: 'one reply' | 'two replies') {
    this.toAbort = toAbort;
  }

  /** Takes one line that the gateway sent. */
  take(line: string, manner: number): void {
    const verb = line.slice(0, 4);
    const number = /#\d+/.exec(line)?.[0] ?? '';
    switch (verb) {
      case 'PASV':
        this.owed.push(manner === 1 ? '425 no' : `227 (10,0,0,5,78,${this.nextPort++ % 256})`);
        return;
      case 'EPSV':
        this.owed.push(manner === 1 ? '500 what' : `229 (|||${this.nextPort++}|)`);
        return;
      case 'PORT':
      case 'EPRT':
        this.owed.push(manner === 1 ? '500 what' : '200 ok');
        return;
      case 'RETR':
      case 'STOR':
      case 'MLSD':
        this.transfer(manner, number);
        return;
      case 'ABOR':
        this.abort(manner, number);
        return;
      case 'STAT':
      case 'SIZE':
        this.owed.push(`${verb === 'STAT' ? 211 : 213} ${number}`);
        return;
      default:
        if (verb === 'HELP' || manner === 2) this.owed.push(...manyLines(verb === 'HELP' ? 214 : 250, number));
        else this.owed.push(`${manner === 1 ? 550 : 250} ${number}`);
    }
  }

  private transfer(manner: number, number: string): void {
    const final = `${manner === 1 ? 550 : manner === 3 ? 426 : 226} ${number}`;
    this.transfers.add(final);
    // Without a 150 in front, a 226 could as well be the answer to an ABOR that shares its reply with another transfer.
    if (manner !== 1 && (manner !== 2 || this.toAbort === 'one reply')) this.owed.push('150 go');
    this.owed.push(final);
  }

  private abort(manner: number, number: string): void {
    if (this.toAbort === 'one reply' && this.isTransferring()) this.merged += 1;
    else this.owed.push(`${manner === 1 ? 225 : 226} ${number}`);
  }

  private isTransferring(): boolean {
    return this.owed.some((reply) => this.transfers.has(reply));
  }
}

/** What the client reads: the final replies, each with the number that it repeats. */
class Reader {
  readonly finals: (string | undefined)[] = [];
  private openCode: number | undefined;

  read(octets: Uint8Array): void {
    const read = readReplyLine(octets.subarray(0, -2), this.openCode);
    assert.notEqual(read.kind, 'malformed', Buffer.from(octets).toString('latin1'));
    this.openCode = read.kind === 'first' || read.kind === 'inner' ? (this.openCode ?? codeOf(read)) : undefined;
    if ((read.kind === 'single' || read.kind === 'last') && read.code >= 200) {
      this.finals.push(/#\d+/.exec(Buffer.from(octets).toString('latin1'))?.[0]);
    }
  }
}

function codeOf(read: ReturnType<typeof readReplyLine>): number | undefined {
  return 'code' in read ? read.code : undefined;
}

function ownAddress(verb: string, client: string): string {
  if (verb === 'PORT') return `PORT ${client.includes(':') ? '1,2,3,4' : client.replaceAll('.', ',')},19,136`;
  if (verb === 'EPRT') return `EPRT |${client.includes(':') ? 2 : 1}|${client}|5000|`;
  return verb;
}

/** Lets client and server take their turns; afterwards the server has said all that it owes. */
function converse(scene: ArbitraryScene, list: readonly Turn[], server: HonestServer, reader: Reader) {
  let manner = 0;
  const stage: SessionStage = beginLife({ ...scene, unknownVerbs: 'refuse' }, 'logged-in', {
    onAction: (action) => {
      if (action.kind !== 'send') return;
      if (action.to === 'client') reader.read(action.octets);
      else server.take(Buffer.from(action.octets).toString('latin1'), manner);
    },
  });
  const answer = () => stage.octets('server', Buffer.from(`${server.owed.shift()}\r\n`));
  const asked: string[] = [];
  for (const turn of list) {
    if (turn.who === 'server') {
      manner = turn.manner;
      if (server.owed.length > 0) answer();
    } else {
      asked.push(`#${asked.length}`);
      const bare = /[ VT]$|^(?:PORT|EPRT|EPSV|PASV)/.test(turn.verb);
      const line = bare ? ownAddress(turn.verb, scene.client) : `${turn.verb} ${asked.at(-1)}`;
      stage.octets('client', Buffer.from(`${line}\r\n`));
    }
  }
  while (server.owed.length > 0) answer();
  return { stage, asked, answer };
}

describe('the law of replies', () => {
  it('one final reply to each command, in order', (t) => {
    fuzz(
      t,
      fc.property(scenes, turns, (scene, list) => {
        const reader = new Reader();
        const { stage, asked } = converse(scene, list, new HonestServer('two replies'), reader);
        assert.equal(stage.linesWaiting, 0, 'the client is read again');
        assert.equal(reader.finals.length, asked.length, `${reader.finals}`);
        reader.finals.forEach((number, index) => {
          if (number !== undefined) assert.equal(number, asked[index], `${reader.finals}`);
        });
        assert.deepEqual([stage.session.awaited, stage.session.phase.kind], [[], 'expect-command']);
      }),
    );
  });

  it('an ABOR that the server answers together with its transfer holds up nothing for longer than 2 seconds', (t) => {
    fuzz(
      t,
      fc.property(scenes, turns, (scene, list) => {
        const server = new HonestServer('one reply');
        const reader = new Reader();
        // REIN is among the commands, and the looks below take their time.
        const patient = { ...scene, limits: { ...scene.limits, loginTimeoutMs: 3_600_000 } };
        const { stage, asked, answer } = converse(patient, list, server, reader);
        for (let look = 0; look <= asked.length; look += 1) {
          stage.nowMs += 2_000;
          stage.event({ kind: 'clock' });
          while (server.owed.length > 0) answer();
        }
        assert.equal(stage.linesWaiting, 0, 'the client is read again');
        assert.equal(reader.finals.length, asked.length - server.merged, `${reader.finals}`);
        const numbers = reader.finals.flatMap((number) => (number === undefined ? [] : Number(number.slice(1))));
        assert.deepEqual(
          numbers,
          numbers.toSorted((a, b) => a - b),
        );
      }),
    );
  });
});
