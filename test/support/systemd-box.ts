// How can a test have units run by a real systemd, on a machine where another init is in charge? In a box: systemd as
// the first process of namespaces of its own, over the machine's files, to which it writes in memory only. Of the
// machine's own units none is started, its sysctls are read-only but for those of the network, and all ends with the
// box.

import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Lab } from './lab.ts';
import { executable } from './operated-gateway.ts';
import { type Finished, runProgram } from './process.ts';
import { becomes } from './watch.ts';

const systemd = '/lib/systemd/systemd';
/** The process that opened a box stands in the name of its control group. */
const groupPattern = /^portcullis-box-(\d+)$/;
const repository = new URL('../../', import.meta.url).pathname;

/** False where a box can be opened, otherwise why not; throws instead where CI=true. */
export function whyNoSystemd(): string | false {
  const missing =
    process.getuid?.() !== 0 ? 'namespaces need root' : existsSync(systemd) ? undefined : 'systemd is not installed';
  if (missing !== undefined && process.env['CI'] === 'true') throw new Error(`CI=true, and yet: ${missing}`);
  return missing ?? false;
}

export interface BoxParts {
  /** The network namespace in which it all runs, by its name. */
  readonly network: string;
  /** More files of the box: text by absolute path. */
  readonly files: Readonly<Record<string, string>>;
}

export class SystemdBox {
  readonly #init: number;

  constructor(init: number) {
    this.#init = init;
  }

  /** Runs a program inside, as root. */
  run(command: string, ...words: string[]): Promise<Finished> {
    return runProgram('nsenter', [`--target=${this.#init}`, '--all', '--', command, ...words]);
  }

  /** One that must succeed; gives what it printed. */
  async must(command: string, ...words: string[]): Promise<string> {
    const { exitCode, output } = await this.run(command, ...words);
    if (exitCode !== 0) throw new Error(`${command} ${words.join(' ')}: ${output}\n${await this.journal()}`);
    return output;
  }

  /** A property of a unit as systemd sees it. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.must('systemctl', 'show', '--value', `--property=${name}`, unit)).trim();
  }

  /** The first process of a service, by the id that it has out here. */
  async mainProcess(unit: string): Promise<number> {
    const inside = await this.property(unit, 'MainPID');
    for (const pid of (await readFile(`/proc/${this.#init}/task/${this.#init}/children`, 'latin1')).split(' ')) {
      const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
      if (new RegExp(`^NSpid:\\t${pid}\\t${inside}$`, 'm').test(status)) return Number(pid);
    }
    throw new Error(`${unit} has no main process: ${inside}`);
  }

  async journal(): Promise<string> {
    return (await this.run('journalctl', '--no-pager', '--output=cat')).output;
  }
}

/** `portcullis` inside is the built executable. Ready for `systemctl` when the promise resolves, ended with the lab. */
export async function openSystemdBox(lab: Lab, { network, files }: BoxParts): Promise<SystemdBox> {
  const folder = await lab.makeFolder('box');
  const seed = await lab.makeFolder('box-files');
  for (const [path, text] of Object.entries({ ...boxFiles, ...files })) {
    await mkdir(dirname(join(seed, path)), { recursive: true });
    await writeFile(join(seed, path), text);
  }
  await chmod(join(seed, command), 0o755);
  await removeAbandoned();
  const group = join(await unifiedHierarchy(), `portcullis-box-${process.pid}`);
  await mkdir(group);
  const namespaces = ['--cgroup', '--pid', '--fork', '--kill-child', '--mount', '--ipc', '--uts'];
  const enter = `echo $$ > ${group}/cgroup.procs && exec unshare ${namespaces.join(' ')} sh -ex -c '${script}' sh`;
  const program = await lab.start('sh', ['-c', `${enter} ${folder} ${seed}`], { network });
  lab.onClose(async () => {
    await program.end('SIGKILL');
    await removeGroup(group);
  });
  await becomes(
    async () => (await readFile(`/proc/${program.pid}/task/${program.pid}/children`, 'latin1')) !== '',
    true,
  );
  const init = Number(await readFile(`/proc/${program.pid}/task/${program.pid}/children`, 'latin1'));
  const box = new SystemdBox(init);
  await becomes(async () => {
    const { output } = await box.run('systemctl', 'is-active', 'box.target');
    // What the script printed tells why there is no systemd.
    return output.trim() === 'active' || program.output;
  }, true);
  return box;
}

/** With the groups of its services, which are empty once the box has ended. */
async function removeGroup(group: string): Promise<void> {
  await runProgram('find', [group, '-mindepth', '1', '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';']);
  await rmdir(group);
}

/** What a killed run has left behind. */
async function removeAbandoned(): Promise<void> {
  const hierarchy = await unifiedHierarchy();
  for (const name of await readdir(hierarchy)) {
    const [, pid] = groupPattern.exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await removeGroup(join(hierarchy, name));
  }
}

const command = '/usr/local/bin/portcullis';

const boxFiles = {
  '/etc/systemd/system/box.target': '[Unit]\nWants=systemd-journald.service\n',
  [command]: `#!/bin/sh\nexec /opt/node /opt/portcullis/${executable.slice(repository.length)} "$@"\n`,
};

// $1 is where it is built, $2 what is put into it. Ours is bound below /opt, because wherever it is now, as in /home, a
// hardened unit may not look. Neither a clock nor a module nor a reboot is within reach.
const script = `
mount -t tmpfs -o mode=755 tmpfs $1
mkdir $1/upper $1/work $1/root
mount -t overlay overlay -o lowerdir=/,upperdir=$1/upper,workdir=$1/work $1/root
cd $1/root
rm -rf etc/systemd/system lib/systemd/system/*.wants lib/systemd/system/*.requires lib/systemd/system-generators
: > etc/fstab
cp -r $2/. .
mkdir -p opt/portcullis proc sys dev run tmp
mount --bind ${repository} opt/portcullis
mount -o remount,bind,ro opt/portcullis
touch opt/node
mount --bind ${process.execPath} opt/node
mount -t proc proc proc
mount --bind proc/sys/net proc/sys/net
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
mkdir dev/shm dev/pts
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
: > etc/machine-id
pivot_root . mnt
umount -l /mnt
exec env -i container=box PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
  setpriv --bounding-set=-sys_boot,-sys_time,-sys_module,-sys_rawio,-syslog \\
  ${systemd} --unit=box.target --log-target=journal --show-status=0
`;

/** Where cgroups(7) of version 2 are. */
async function unifiedHierarchy(): Promise<string> {
  const [, path] = /^\S+ (\S+) cgroup2 /m.exec(await readFile('/proc/mounts', 'latin1')) ?? [];
  if (path === undefined) throw new Error('no cgroup2 is mounted');
  return path;
}
