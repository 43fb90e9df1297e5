// Does one client still get its answers while others attack the gateway? The round trip of a bystander's NOOP at rest
// and beside each attack, and what the attack makes the gateway's memory grow by. The attackers have an address of
// their own, a server of their own behind the same gateway, and what the others leave of the load's processor: the
// gateway is to be measured, not a server that is kept busy or who gets that processor. What is not the gateway's doing
// shows beside: the same attack on that server itself, past the gateway, where only kernel and processors are shared.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type AttackKind, attackKinds } from './attack.ts';
import { attackedBackend } from './backends.ts';
import { type Cell, failedCell } from './cell.ts';
import { measure, type Sample } from './generator.ts';
import { addresses, purgeTimeWait } from './lab.ts';
import { startAt, stop } from './process.ts';
import { untilLogged } from './ready.ts';
import type { Figure, Row } from './rows.ts';
import { gatewayProcessor, loadProcessor, type Stage, startBackend, whenIdle } from './stage.ts';
import { attackedServer, type Gateway, startTarget, stopTarget, type TargetName } from './targets.ts';

const connections = 256;
const program = join(import.meta.dirname, 'attack.ts');
/** The attack is under way before it is looked at. */
const settleMs = 1000;
/** It speaks no TLS. */
const pastGateway = `${addresses.server}:${attackedBackend.port}`;

interface BystanderRow extends Row {
  readonly attack: AttackKind;
}

export const bystanderRows: readonly BystanderRow[] = attackKinds.map((attack) => ({
  id: `bystander_${attack}`,
  title: `NOOP of a bystander, ${connections} connections attack: ${attack}`,
  attack,
}));

export async function measureBystander(
  stage: Stage,
  round: number,
  row: BystanderRow,
  target: TargetName,
): Promise<Cell> {
  purgeTimeWait(stage.lab);
  try {
    const setUp = {
      ...stage,
      processors: gatewayProcessor,
      engines: 1,
      clientBounds: 'defaults',
      tls: row.attack === 'handshakes',
      attacked: true,
    } as const;
    const attacked = await startBackend(stage.backendProgram, stage.lab, attackedBackend);
    try {
      const gateway = await startTarget(target, setUp);
      try {
        return await beside(stage, round, row, gateway);
      } finally {
        await stopTarget(gateway);
      }
    } finally {
      await stop(attacked);
    }
  } catch (error) {
    return failedCell(round, row, target, error);
  }
}

async function beside(stage: Stage, round: number, row: BystanderRow, gateway: Gateway): Promise<Cell> {
  const pid = gateway.process!.pid;
  // A just-in-time compiler's first moments are nobody's rest.
  await noop(stage, gateway, 1);
  const atRest = await noop(stage, gateway, stage.seconds);
  const memoryAtRest = residentKibibytes(pid);
  const past = row.attack === 'handshakes' ? undefined : await whileAttacked(stage, row.attack, pastGateway, gateway);
  const attacked = await whileAttacked(stage, row.attack, attackedServer, gateway);
  const grown = peakKibibytes(pid) - memoryAtRest;
  const figures: readonly Figure[] = [
    ...latencies('at rest', atRest),
    ...(past === undefined ? [] : latencies('attacked past the gateway', past)),
    ...latencies('attacked', attacked),
    { name: 'memory, peak', unit: 'KiB/connection', value: grown / connections },
  ];
  return {
    round,
    row: row.id,
    target: gateway.name,
    figures,
    faults: { ...atRest.faultKinds, ...attacked.faultKinds },
  };
}

async function whileAttacked(stage: Stage, kind: AttackKind, server: string, gateway: Gateway): Promise<Sample> {
  const [host, port] = server.split(':') as [string, string];
  const place = { namespace: stage.lab.client, processors: loadProcessor };
  const argv = [...whenIdle, process.execPath, '--import', 'tsx', program, kind, host, port];
  const log = join(stage.lab.folder, 'attack.log');
  const attack = startAt(place, [...argv, `${connections}`, addresses.attacker], log);
  try {
    await untilLogged(attack, 'attacking');
    await delay(settleMs);
    return await noop(stage, gateway, stage.seconds);
  } finally {
    await stop(attack);
  }
}

function noop(stage: Stage, gateway: Gateway, seconds: number): Promise<Sample> {
  return measure(stage.generator, gateway.server, { work: 'noop', sessions: 1 }, seconds, []);
}

function latencies(when: string, { p50Us, p99Us, maxUs }: Sample): readonly Figure[] {
  return [
    { name: `${when} p50`, unit: 'µs', value: p50Us },
    { name: `${when} p99`, unit: 'µs', value: p99Us },
    { name: `${when} max`, unit: 'µs', value: maxUs },
  ];
}

function residentKibibytes(pid: number): number {
  return kibibytesOf(pid, 'VmRSS');
}

function peakKibibytes(pid: number): number {
  return kibibytesOf(pid, 'VmHWM');
}

function kibibytesOf(pid: number, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (match === null) throw new Error(`no ${name} in /proc/${pid}/status`);
  return Number(match[1]);
}
