// Bounds on work, counted in turns of the loop and never in time: what a bystander waits for is how much is done
// between two looks at its socket, and how many looks it takes.

import assert from 'node:assert/strict';
import { socketTest } from '../sys/loopback.ts';
import { SessionBench } from './session-bench.ts';

const floods = {
  'line feeds': '\n',
  blanks: `${' '.repeat(200)}\r\n`,
  'Telnet commands alone': '\xff\xf1\r\n',
  'unknown verbs': 'XYZZY\r\n',
  'what the server has to answer': 'NOOP\r\n',
};
const attackers = 60;
// What all attackers together may have done in one turn: what guests may begin in it, and what is served of their line.
const linesPerTurnMax = 200;

for (const [name, line] of Object.entries(floods)) {
  socketTest(
    `${attackers} strangers send ${name}: a bystander's command is taken at once, and turns are short`,
    (poller) => {
      const bench = new SessionBench(poller);
      const { client, server } = bench.greet('bystander');
      client.say('USER me\r\n');
      bench.until(() => server.text.endsWith('\r\n'));
      server.say('331 Password, please.\r\n');
      bench.until(() => client.text.endsWith('331 Password, please.\r\n'));
      client.say('PASS word\r\n');
      bench.until(() => server.text.endsWith('PASS word\r\n'));
      server.say('230 Come in.\r\n');
      bench.until(() => client.text.endsWith('230 Come in.\r\n'));
      for (let attacker = 0; attacker < attackers; attacker++)
        bench.greet(`a${attacker}`).client.say(line.repeat(2_000));
      let taken = 0;
      bench.witness.onRecord = ({ id }, record) => {
        if (id === 'bystander' && record.kind === 'command') taken += 1;
      };
      for (let asked = 1; asked <= 20; asked++) {
        client.say('NOOP\r\n');
        bench.awaitArrival('bystander');
        const before = bench.linesTaken;
        poller.turn(0);
        assert.equal(taken, asked, 'the command is taken in the turn in which it is there');
        const others = bench.linesTaken - before;
        assert.ok(others <= linesPerTurnMax, `${others} lines in one turn`);
      }
      bench.witness.onRecord = () => undefined;
      bench.close();
    },
  );
}
