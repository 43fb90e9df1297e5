import assert from 'node:assert/strict';
import { socketTest } from '../sys/loopback.ts';
import { SessionBench, type Talker } from './session-bench.ts';

function benchTest(name: string, body: (bench: SessionBench) => void): void {
  socketTest(name, (poller) => {
    const bench = new SessionBench(poller);
    body(bench);
    bench.close();
  });
}

/** Both ends close; the session is over once, without a mistake of ours. */
function hangUp(bench: SessionBench, client: Talker, server: Talker): void {
  client.socket!.close();
  server.socket!.close();
  bench.until(() => bench.witness.over.length > 0);
  bench.poller.turn(0);
  assert.deepEqual(bench.witness.errors, []);
  assert.deepEqual(bench.witness.over, ['one']);
}

benchTest('the greeting is relayed, a command and its reply, QUIT ends both legs', (bench) => {
  const { client, server } = bench.greet();
  client.say('USER me\r\n');
  bench.until(() => server.text === 'USER me\r\n');
  server.say('331 Password, please.\r\n');
  bench.until(() => client.text === '331 Password, please.\r\n');
  client.say('QUIT\r\n');
  bench.until(() => server.text.endsWith('QUIT\r\n'));
  server.say('221 Goodbye.\r\n');
  server.socket!.endWriting();
  bench.until(() => client.ending === 'end' && server.ending === 'end');
  assert.match(client.text, /221 Goodbye\.\r\n$/);
  hangUp(bench, client, server);
});

benchTest(
  'a server that is gone before its greeting: 421 and a clean end, though the client was already talking',
  (bench) => {
    const client = bench.begin('one');
    client.say('USER me\r\n'.repeat(100));
    // The connection stands at the door; closing the door resets it, as a server that dies at its start does.
    bench.serverDoor.close();
    bench.until(() => client.ending !== 'none');
    assert.match(client.text, /^421 [^\r\n]+\r\n$/);
    assert.equal(client.ending, 'end');
    client.socket!.close();
    bench.until(() => bench.witness.over.length === 1);
  },
);

benchTest('a server that refuses: 421', (bench) => {
  bench.serverDoor.close();
  const client = bench.begin('one');
  bench.until(() => client.ending !== 'none');
  assert.match(client.text, /^421 [^\r\n]*cannot be reached[^\r\n]*\r\n$/);
  assert.equal(client.ending, 'end');
  client.socket!.close();
  bench.until(() => bench.witness.over.length === 1);
});

benchTest('lines in segments of one octet, in both directions', (bench) => {
  const { client, server } = bench.greet();
  const [line, reply] = ['STAT naïve\r\n', '211-all\r\n well\r\n211 end\r\n'];
  for (let at = 0; at < line.length; at++) {
    client.say(line[at]!);
    for (let turns = 0; turns < 3; turns++) bench.poller.turn(0);
    if (at < line.length - 1) assert.equal(server.text, '', 'no part of a line is passed on');
  }
  bench.until(() => server.text === line);
  for (let at = 0; at < reply.length; at++) {
    server.say(reply[at]!);
    for (let turns = 0; turns < 3; turns++) bench.poller.turn(0);
  }
  bench.until(() => client.text === reply);
  hangUp(bench, client, server);
});

benchTest('a client that sends and does not read is bounded, and gets every reply once it does', (bench) => {
  const { client, server } = bench.greet();
  const commands = 20_000;
  const reply = `200 ${'x'.repeat(1000)}\r\n`;
  let answered = 0;
  server.onText = () => {
    const lines = server.text.split('\n').length - 1;
    server.text = server.text.slice(server.text.lastIndexOf('\n') + 1);
    answered += lines;
    if (lines > 0) server.say(reply.repeat(lines));
  };
  client.appetite = 'waits';
  const before = process.memoryUsage().arrayBuffers;
  client.say(`NOOP ${'z'.repeat(1000)}\r\n`.repeat(commands));
  bench.settle(() => client.sent + server.sent);
  assert.equal(client.hasSaidAll, false, 'the client had to wait');
  assert.ok(answered < commands / 2, `${answered} commands were answered`);
  // Twenty megaoctets wait here, in the hands of the test; the session has its queues and a few chunks.
  const taken = process.memoryUsage().arrayBuffers - before;
  assert.ok(taken < 60_000_000, `${taken} octets`);
  client.onText = () => {
    client.counted += client.text.length;
    client.text = '';
  };
  client.startReading();
  bench.until(() => client.counted === commands * reply.length);
  assert.equal(answered, commands);
  hangUp(bench, client, server);
});

benchTest('a client that sends what the gateway itself answers, and does not read, is bounded too', (bench) => {
  const { client, server } = bench.greet();
  // Far more than both ends' buffers can hold of the replies, however the kernel reckons them.
  const commands = 120_000;
  let refused = 0;
  bench.witness.onRecord = (_, record) => {
    if (record.kind === 'refusal') refused++;
  };
  client.appetite = 'waits';
  client.say('XYZZY\r\n'.repeat(commands));
  bench.settle(() => refused);
  assert.ok(refused < commands / 2, `${refused} of ${commands} were answered`);
  client.startReading();
  const heard = client.text.split('\n').length - 1;
  let more = 0;
  client.text = '';
  client.onText = () => {
    more += client.text.split('\n').length - 1;
    client.text = client.text.slice(client.text.lastIndexOf('\n') + 1);
  };
  bench.until(() => heard + more === commands);
  assert.equal(refused, commands);
  assert.equal(server.text, '');
  hangUp(bench, client, server);
});

benchTest('replies far larger than what may wait arrive whole, however late the client reads', (bench) => {
  const { client, server } = bench.greet();
  const commands = 50;
  client.say('HELP\r\n'.repeat(commands));
  bench.until(() => server.text.length === commands * 6);
  const reply = `214-Help\r\n${` ${'x'.repeat(198)}\r\n`.repeat(4000)}214 end\r\n`;
  client.appetite = 'waits';
  server.say(reply.repeat(commands));
  bench.settle(() => server.sent);
  assert.equal(server.hasSaidAll, false, 'the server had to wait');
  // The kernel holds the rest of it for the session, and tells of it only once.
  client.startReading();
  bench.until(() => client.text.length === commands * reply.length);
  assert.equal(client.text, reply.repeat(commands));
  hangUp(bench, client, server);
});

benchTest('a line of many megaoctets ends its session: read to its end, so that the client hears why', (bench) => {
  const { client, server } = bench.greet();
  client.say(`${'A'.repeat(20_000_000)}\r\nNOOP\r\n`);
  bench.until(() => client.hasSaidAll && client.ending !== 'none');
  assert.match(client.text, /^500 [^\r\n]+\r\n421 [^\r\n]+\r\n$/);
  assert.equal(client.ending, 'end');
  assert.equal(server.text, '');
  hangUp(bench, client, server);
});

benchTest('many long commands at once all reach the server', (bench) => {
  const { client, server } = bench.greet();
  const commands = Array.from({ length: 60 }, (_, number) => `STAT ${'y'.repeat(4000)}${number}\r\n`).join('');
  client.say(commands);
  bench.until(() => server.text.length === commands.length);
  assert.equal(server.text, commands);
  hangUp(bench, client, server);
});

benchTest('a mistake of ours ends the one session it happened in, both its legs and its way; others go on', (bench) => {
  const one = bench.greet('one');
  const two = bench.greet('two');
  const mistake = new Error('a mistake');
  bench.openPassive(one.client, one.server);
  assert.equal(bench.ports.inUse, 1);
  bench.witness.onRecord = ({ id }, record) => {
    if (id === 'one' && record.kind === 'command') throw mistake;
  };
  one.client.say('NOOP\r\n');
  bench.until(() => one.client.ending !== 'none' && one.server.ending !== 'none');
  assert.deepEqual(bench.witness.errors, [{ id: 'one', error: mistake }]);
  assert.deepEqual(bench.witness.over, ['one']);
  assert.equal(bench.ports.inUse, 0);
  two.client.say('NOOP\r\n');
  bench.until(() => two.server.text === 'NOOP\r\n');
  two.server.say('200 here\r\n');
  bench.until(() => two.client.text === '200 here\r\n');
  assert.deepEqual(bench.witness.over, ['one']);
});

benchTest('a mistake in the report of a way ends that session only, too', (bench) => {
  const one = bench.greet('one');
  const port = bench.openPassive(one.client, one.server);
  bench.witness.onRecord = () => {
    throw new Error('a mistake');
  };
  bench.callFrom(Uint8Array.of(127, 0, 0, 9), port);
  bench.until(() => bench.witness.over.length === 1);
  assert.equal(bench.witness.errors.length, 1);
  assert.equal(bench.ports.inUse, 0);
  bench.until(() => one.client.ending !== 'none' && one.server.ending !== 'none');
});

benchTest('deadlines of the session are kept: no greeting in time is a 421', (bench) => {
  const client = bench.begin('one', { greetingTimeoutMs: 200, connectTimeoutMs: 200 });
  const server = bench.answer();
  bench.until(() => client.ending !== 'none');
  assert.match(client.text, /^421 /);
  client.socket!.close();
  bench.until(() => bench.witness.over.length === 1 && server.ending !== 'none');
});
