// What does the operator's settings file say, or what is wrong with it? The one way from the disk to Settings.
// Must not break: strict, and everything wrong is told at once with its place: syntax, keys, values, keys that
// contradict one another, and the files that the settings name. Never an exception.

import type { Ruleset } from '../policy/ruleset.ts';
import { type Checked, inReadingOrder, type Problem, wholeFileProblem } from '../yaml/problem.ts';
import { checkSchema } from '../yaml/schema-problems.ts';
import { problemAt, readYaml, type YamlSource } from '../yaml/yaml-source.ts';
import { buildSettings, type ReadTls } from './build-settings.ts';
import { crossCheck } from './cross-check.ts';
import { type Environment, interpolate } from './interpolate.ts';
import { loadPackagedRules, loadRules } from './load-rules.ts';
import { loadTls } from './load-tls.ts';
import { readTextFile } from './read-text-file.ts';
import { readableSettings, rulesPathOf } from './readable-settings.ts';
import { settingsSchema } from './schema.ts';
import type { Settings } from './settings.ts';
import { tlsSourcesOf } from './tls-sources.ts';

/**
 * Reads and checks a settings file and the rules file that it names. `${NAME}` in values comes from the environment.
 * Problems name the files by the path given here and are in reading order; there is at least one. `nowMs` decides which
 * certificates have expired.
 */
export function loadSettings(
  file: string,
  environment: Environment = process.env,
  nowMs: number = Date.now(),
): Checked<Settings> {
  const content = readTextFile(file);
  if (!content.ok) return failed([wholeFileProblem(file, `this settings file ${content.reason}`)]);
  const read = readYaml(file, content.value, (text) => interpolate(text, environment));
  if (!read.ok) return failed(read.reason);
  if (read.value.data === null) return failed([wholeFileProblem(file, emptySettings)]);
  return checkSettings(read.value, nowMs);
}

const emptySettings = 'this settings file is empty; copy deploy/reverse.yaml and change its addresses';

function checkSettings(source: YamlSource, nowMs: number): Checked<Settings> {
  const checked = checkSchema(settingsSchema, source);
  const readable = readableSettings(source.data);
  const findings = crossCheck(readable);
  const rules = rulesOf(source);
  const tls = readable.listeners.map((listener, index): ReadTls => {
    const sources = tlsSourcesOf(source, ['listeners', index], listener.tls);
    return { sources, loaded: loadTls(sources, nowMs) };
  });
  const problems = [
    ...source.problems,
    ...(checked.ok ? [] : checked.reason),
    ...findings.map(({ path, message }) => problemAt(source, path, message)),
    ...(rules.ok ? [] : rules.reason),
    ...tls.flatMap(({ loaded }) => loaded.problems),
  ];
  if (!checked.ok || !rules.ok || problems.length > 0) return failed(problems);
  return { ok: true, value: buildSettings(checked.value, rules.value, tls) };
}

function rulesOf(source: YamlSource): Checked<Ruleset> {
  const path = rulesPathOf(source.data);
  // A path that is wrong in itself falls to the packaged rules here too; the schema has told what is wrong with it.
  return path === undefined ? loadPackagedRules() : loadRules(source, path);
}

function failed(problems: readonly Problem[]): Checked<Settings> {
  return { ok: false, reason: inReadingOrder(problems) };
}
