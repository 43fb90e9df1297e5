import assert from 'node:assert/strict';
import { ControlLeg, type LegOwner } from '../../../src/control/control-leg.ts';
import { type Poller, Ready } from '../../../src/sys/poller.ts';
import { TcpSocket } from '../../../src/sys/tcp-socket.ts';
import type { ControlLine } from '../../../src/wire/line-splitter.ts';
import { ascii, dial, listen, loopback4, nextAccepted, Recorder, socketTest, turnUntil } from '../sys/loopback.ts';

const bounds = { lineOctetsMax: 4096, additionMax: 10_000_000 };

/** Keeps what a leg tells; wants lines as long as `appetite` lasts. */
class Owner implements LegOwner {
  readonly told: string[] = [];
  appetite = Number.POSITIVE_INFINITY;
  octets = 0;
  firstOctets = '';
  onLineHeard: (line: string) => void = () => undefined;

  /** Work left in this turn. */
  share = Number.POSITIVE_INFINITY;

  takesTurn(): boolean {
    return true;
  }

  hasShare(): boolean {
    return this.share > 0;
  }

  /** Reads that may be made of what nobody hears. */
  discards = Number.POSITIVE_INFINITY;

  mayDiscard(): boolean {
    this.discards -= 1;
    return this.discards >= 0;
  }

  wantsLine(): boolean {
    return this.appetite > 0;
  }

  onLine(_leg: ControlLeg, line: ControlLine): void {
    this.appetite--;
    this.share--;
    const text = line.fault ?? Buffer.from(line.octets).toString('latin1');
    this.told.push(text);
    this.onLineHeard(text);
  }

  onFirstOctets(_leg: ControlLeg, octets: Uint8Array): void {
    this.firstOctets = Buffer.from(octets).toString('latin1');
  }

  onSecured(leg: ControlLeg): void {
    this.told.push(`${leg.side} secured`);
  }

  onNotSecured(leg: ControlLeg, reason: string): void {
    this.told.push(`${leg.side} not secured: ${reason}`);
  }

  onCleared(leg: ControlLeg): void {
    this.told.push(`${leg.side} cleared`);
  }

  onOctets(leg: ControlLeg, octets: Uint8Array): void {
    this.told.push(`${leg.side} passes ${Buffer.from(octets).toString('hex')}`);
  }

  onTextAgain(leg: ControlLeg): void {
    this.told.push(`${leg.side} text again`);
  }

  onClientEnding(): void {
    this.told.push('client ending');
  }

  onLegEnded(leg: ControlLeg, how: 'end' | 'reset', reason: string): void {
    this.told.push(`${leg.side} ${how}: ${reason}`);
  }

  onConnected(leg: ControlLeg): void {
    this.told.push(`${leg.side} connected`);
  }

  onUnreachable(leg: ControlLeg, reason: string): void {
    this.told.push(`${leg.side} unreachable: ${reason}`);
  }

  /** As a session does it: what was queued leaves at the end of the event. */
  settle: () => void = () => undefined;

  guarded(step: () => void): void {
    step();
  }

  countOctets(_leg: ControlLeg, octets: number): void {
    this.octets += octets;
    this.share--;
  }
}

interface Conversation {
  readonly owner: Owner;
  readonly leg: ControlLeg;
  readonly peer: TcpSocket;
  readonly peerEvents: Recorder;
}

/** A leg whose peer has connected. */
function accepted(poller: Poller, side: 'client' | 'server' = 'client'): Conversation {
  const owner = new Owner();
  const leg = new ControlLeg(side, owner, bounds, 'open');
  owner.settle = () => leg.flush();
  const listener = listen(poller, new Recorder(), { purpose: 'control' });
  const peerEvents = new Recorder();
  const peer = dial(poller, { octets: loopback4, port: listener.localPort() }, peerEvents);
  leg.socket = TcpSocket.accepted(poller, nextAccepted(poller, listener).fd, leg);
  listener.close();
  turnUntil(poller, () => peerEvents.saw(Ready.out));
  return { owner, leg, peer, peerEvents };
}

/** Reads until the peer's end or failure; says which. */
function readToEnd(poller: Poller, peer: TcpSocket): { text: string; how: 'end' | string } {
  let text = '';
  let how: string | undefined;
  const buffer = new Uint8Array(65_536);
  turnUntil(poller, () => {
    for (let count = 1; count > 0; ) {
      count = peer.receive(buffer);
      if (count > 0) text += Buffer.from(buffer.subarray(0, count)).toString('latin1');
      if (count === 0) how = 'end';
      if (count === -2) how = peer.failure!;
    }
    return how !== undefined;
  });
  return { text, how: how! };
}

socketTest('lines are handed on one by one, whatever the pieces they come in', (poller) => {
  for (const pieceOctets of [1, 3, 1000]) {
    const { owner, leg, peer } = accepted(poller);
    const octets = ascii('USER me\r\nPASS \xff\r\nSYST\r\n');
    for (let at = 0; at < octets.length; at += pieceOctets) {
      const piece = octets.subarray(at, at + pieceOctets);
      peer.send(piece);
      turnUntil(poller, () => owner.octets === at + piece.length);
    }
    assert.deepEqual(owner.told, ['USER me', 'PASS \xff', 'SYST']);
    peer.close();
    turnUntil(poller, () => owner.told.length === 4);
    assert.equal(owner.told[3], 'client end: the client closed');
    leg.socket!.close();
  }
});

socketTest('a line that is not wanted waits, nothing more is read, and pull() goes on where it stopped', (poller) => {
  const { owner, leg, peer } = accepted(poller);
  owner.appetite = 2;
  const line = ascii(`NOOP ${'x'.repeat(1000)}\r\n`);
  let sent = 0;
  while (peer.send(line) === line.length) {
    sent++;
    poller.turn(0);
  }
  assert.equal(owner.told.length, 2);
  assert.ok(owner.octets <= 4096, `${owner.octets} octets were read, more than one chunk`);
  owner.appetite = 3;
  leg.pull();
  assert.equal(owner.told.length, 5);
  owner.appetite = Number.POSITIVE_INFINITY;
  leg.pull();
  turnUntil(poller, () => {
    if (leg.isUnfinished) leg.pull();
    return owner.told.length >= sent;
  });
  peer.reset();
  leg.socket!.close();
});

socketTest('the end is told once, after the last line has been taken', (poller) => {
  const { owner, leg, peer } = accepted(poller);
  owner.appetite = 1;
  peer.send(ascii('STAT\r\nQUIT\r\nhalf a line'));
  peer.endWriting();
  turnUntil(poller, () => owner.told.length > 0);
  for (let turns = 0; turns < 3; turns++) poller.turn(0);
  assert.deepEqual(owner.told, ['STAT', 'client ending']);
  owner.appetite = 5;
  leg.pull();
  leg.pull();
  assert.deepEqual(owner.told, ['STAT', 'client ending', 'QUIT', 'client end: the client closed']);
  peer.close();
  leg.socket!.close();
});

socketTest('a reset is told as one, behind the lines that came before it', (poller) => {
  const { owner, leg, peer } = accepted(poller, 'server');
  peer.send(ascii('220 ready\r\n'));
  turnUntil(poller, () => owner.told.length === 1);
  peer.reset();
  turnUntil(poller, () => owner.told.length === 2);
  assert.deepEqual(owner.told, ['220 ready', 'server reset: the server: ECONNRESET']);
  leg.socket!.close();
});

socketTest('a line beyond the bound is told as such, once, and the rest of it is dropped', (poller) => {
  const { owner, leg, peer } = accepted(poller);
  peer.send(new Uint8Array(20_000).fill(0x41));
  peer.send(ascii('\r\nNOOP\r\n'));
  turnUntil(poller, () => owner.told.length === 2);
  assert.deepEqual(owner.told, ['overlong', 'NOOP']);
  peer.reset();
  leg.socket!.close();
});

socketTest('a flood, with line ends or without, is read in shares, so that others get their turn', (poller) => {
  for (const flood of [new Uint8Array(150_000).fill(0x41), new Uint8Array(150_000).fill(0x0a)]) {
    const { owner, leg, peer } = accepted(poller);
    let sent = 0;
    for (let turns = 0; turns < 3; turns++) {
      sent += Math.max(peer.send(flood), 0);
      const told = owner.told.length;
      const before = owner.octets;
      owner.share = 16;
      poller.turn(0);
      leg.pull();
      assert.ok(owner.octets - before <= 16 * 4096, `${owner.octets - before} octets in one share`);
      assert.ok(owner.told.length - told <= 16, `${owner.told.length - told} lines in one share`);
      assert.ok(leg.isUnfinished);
    }
    owner.share = Number.POSITIVE_INFINITY;
    turnUntil(poller, () => {
      if (leg.isUnfinished) leg.pull();
      return owner.octets === sent;
    });
    peer.reset();
    leg.socket!.close();
  }
});

// RFC 1122 §4.2.2.13: closing with octets unread sends a reset, and that can overtake the 421.
socketTest('end(): a client that goes on sending still reads the last reply and a clean end', (poller) => {
  const { owner, leg, peer } = accepted(poller);
  owner.onLineHeard = () => {
    if (owner.told.length > 1) return;
    leg.out.push(ascii('421 Enough.\r\n'));
    leg.end();
  };
  const flood = ascii('NOOP\r\n'.repeat(5000));
  peer.send(flood);
  turnUntil(poller, () => owner.told.length === 1);
  peer.send(flood);
  assert.deepEqual(readToEnd(poller, peer), { text: '421 Enough.\r\n', how: 'end' });
  peer.close();
  turnUntil(poller, () => leg.socket!.isOpen === false);
  assert.deepEqual(owner.told, ['NOOP'], 'what came afterwards was not heard');
});

socketTest('end(): what the client still sends is read as fast as its owner allows, and to its end', (poller) => {
  const { leg, owner, peer } = accepted(poller);
  owner.discards = 0;
  leg.end();
  peer.send(ascii('x'.repeat(1000)));
  peer.endWriting();
  turnUntil(poller, () => owner.discards < 0);
  assert.deepEqual([owner.octets, leg.socket!.isOpen], [0, true]);
  owner.discards = 1;
  leg.pull();
  assert.deepEqual([owner.octets, leg.socket!.isOpen], [1000, true]);
  turnUntil(poller, () => {
    owner.discards = 1;
    leg.pull();
    leg.flush();
    return !leg.socket!.isOpen;
  });
  peer.close();
});

socketTest('end(): replies that wait for a slow client arrive, though the client has ended its direction', (poller) => {
  const { owner, leg, peer } = accepted(poller);
  const replies = `${'2'.repeat(998)}\r\n`.repeat(6000);
  owner.onLineHeard = () => {
    leg.out.push(ascii(replies));
    leg.out.push(ascii('421 Enough.\r\n'));
    leg.end();
  };
  peer.send(ascii('STAT\r\n'));
  turnUntil(poller, () => owner.told.length === 1);
  assert.equal(leg.out.isEmpty, false, 'more than the kernel takes');
  peer.endWriting();
  for (let turns = 0; turns < 5; turns++) poller.turn(0);
  const { text, how } = readToEnd(poller, peer);
  assert.equal(how, 'end');
  assert.equal(text.length, replies.length + 13);
  assert.ok(text.endsWith('421 Enough.\r\n'));
  turnUntil(poller, () => leg.socket!.isOpen === false);
  peer.close();
});

socketTest('end(): the server leg is closed once the last command has left', (poller) => {
  const { leg, peer } = accepted(poller, 'server');
  leg.out.push(ascii('QUIT\r\n'));
  leg.end();
  leg.flush();
  assert.equal(leg.socket!.isOpen, false);
  assert.deepEqual(readToEnd(poller, peer), { text: 'QUIT\r\n', how: 'end' });
  peer.close();
});

socketTest(
  'a leg that dials: what is queued leaves once it is connected; refused is told with the reason',
  (poller) => {
    const listener = listen(poller);
    const remote = { octets: loopback4, port: listener.localPort() };
    const owner = new Owner();
    const leg = new ControlLeg('server', owner, bounds, 'dialling');
    owner.settle = () => leg.flush();
    leg.socket = dial(poller, remote, leg);
    leg.out.push(ascii('NOOP\r\n'));
    leg.flush();
    assert.equal(leg.out.isEmpty, false);
    turnUntil(poller, () => owner.told.length === 1);
    assert.deepEqual([owner.told, leg.out.isEmpty], [['server connected'], true]);
    leg.socket.close();
    listener.close();

    const refused = new ControlLeg('server', owner, bounds, 'dialling');
    refused.socket = dial(poller, remote, refused);
    turnUntil(poller, () => owner.told.length === 2);
    assert.equal(owner.told[1], 'server unreachable: ECONNREFUSED');
    refused.socket.close();
  },
);

socketTest('end() while it dials gives the dial up', (poller) => {
  const listener = listen(poller);
  const owner = new Owner();
  const leg = new ControlLeg('server', owner, bounds, 'dialling');
  leg.socket = dial(poller, { octets: loopback4, port: listener.localPort() }, leg);
  leg.end();
  assert.equal(leg.socket.isOpen, false);
  poller.turn(0);
  assert.deepEqual(owner.told, []);
  listener.close();
});

// Records of TLS: a handshake, and application data that looks like a command.
const records = Buffer.concat([
  Buffer.of(22, 3, 1, 0, 4, 1, 2, 3, 4),
  Buffer.of(23, 3, 3, 0, 11),
  Buffer.from('USER evil\r\n'),
]);

socketTest(
  'octets under TLS are passed on unread, whatever their pieces, and text behind them is read again',
  (poller) => {
    for (const pieceOctets of [1, 7, 1000]) {
      const { owner, leg, peer } = accepted(poller);
      assert.equal(leg.passThrough(), 0);
      const octets = Buffer.concat([records, Buffer.from('SYST\r\nNOOP\r\n')]);
      for (let at = 0; at < octets.length; at += pieceOctets) {
        const piece = octets.subarray(at, at + pieceOctets);
        peer.send(piece);
        turnUntil(poller, () => owner.octets === at + piece.length);
      }
      const passed = owner.told.filter((told) => told.includes(' passes '));
      assert.equal(passed.map((told) => told.split(' passes ')[1]).join(''), records.toString('hex'));
      assert.deepEqual(owner.told.slice(passed.length), ['client text again', 'SYST', 'NOOP']);
      leg.socket!.close();
      peer.close();
    }
  },
);

socketTest(
  'what follows AUTH and is not TLS is told, and not passed on; what came before it is thrown away',
  (poller) => {
    for (const sent of ['USER evil\r\n', '\x17\x03\x03']) {
      const { owner, leg, peer } = accepted(poller);
      owner.appetite = 1;
      peer.send(ascii('AUTH TLS\r\nUSER early\r\n'));
      turnUntil(poller, () => owner.told.length > 0);
      assert.equal(leg.passThrough(), 'USER early\r\n'.length);
      owner.appetite = 1;
      peer.send(ascii(sent));
      turnUntil(poller, () => owner.told.length > 1);
      assert.deepEqual(owner.told, ['AUTH TLS', 'client not secured: what follows AUTH is not TLS']);
      leg.socket!.close();
      peer.close();
    }
  },
);
