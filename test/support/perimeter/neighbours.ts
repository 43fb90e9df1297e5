// Two gateways on the router of one laboratory, each before a server of its own, and what a test may do with either.
// perimeter-side-by-side.test.ts draws them.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataMode } from '../clients/client.ts';
import { dial, passiveEndpoint, receiveAll } from '../data-ends.ts';
import { loggedLine } from '../log-line.ts';
import { octetsFrom } from '../octets.ts';
import { executable } from '../operated-gateway.ts';
import type { RunningProgram } from '../process.ts';
import { RawControl } from '../raw-control.ts';
import { type RealServer, type ServerName, startServerAt } from '../real-servers.ts';
import { openPerimeter, type PerimeterLab } from './lab.ts';
import { download, type LargeFlow, largeFile } from './large-flow.ts';
import { elements, loadNft } from './nft.ts';
import { thereAndBack } from './there-and-back.ts';

export interface Neighbour {
  /** Of its listener, of its table, and of the operator's counter. */
  readonly name: 'first' | 'second';
  readonly server: { readonly name: ServerName; readonly host: string; readonly port: number };
  readonly listenPort: number;
  readonly adminPort: number;
  readonly divertMark: number;
  readonly dataMark: number;
}

export const first: Neighbour = {
  name: 'first',
  server: { name: 'vsftpd', host: '10.77.0.2', port: 21 },
  listenPort: 2121,
  adminPort: 9121,
  divertMark: 0x1,
  dataMark: 0xf7b,
};
export const second: Neighbour = {
  name: 'second',
  server: { name: 'ProFTPD', host: '10.77.0.3', port: 2100 },
  listenPort: 2122,
  adminPort: 9122,
  divertMark: 0x2,
  dataMark: 0xf7c,
};

// Each guards its own server alone: what the table of one drops, that of the other cannot let through.
const settings = ({ name, server, listenPort, adminPort, divertMark, dataMark }: Neighbour): string => `
listeners:
  - name: ${name}
    mode: transparent
    listen: 0.0.0.0:${listenPort}
    intercept: { ports: [${server.port}], interface: wan0 }
    servers: [${server.host}/32]
    dataPath: kernel
    dataPorts: 50000-50999
kernel: { table: ${name}, divertMark: ${divertMark}, dataMark: ${dataMark} }
sessions: { drainTimeout: 0s }
admin: { listen: "127.0.0.1:${adminPort}" }
`;

// An operator's firewall that lets nothing through but what either has marked, and counts it by mark.
const operatorsTable = `
table inet filter {
  counter first { }
  counter second { }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct mark ${first.dataMark} counter name first accept
    ct mark ${second.dataMark} counter name second accept
  }
}`;

const file = octetsFrom(82, 300_007);

/** A session with a pinhole that nobody has used. */
export interface Waiting {
  readonly control: RawControl;
  readonly port: number;
  /** The pinhole, as nft prints it. */
  readonly element: string;
}

export class Neighbours {
  readonly lab: PerimeterLab;
  readonly #servers = new Map<string, RealServer>();
  #runs = 0;

  private constructor(lab: PerimeterLab) {
    this.lab = lab;
  }

  /** The servers and the operator's firewall; the gateways are the test's to start. */
  static async open(): Promise<Neighbours> {
    const opened = new Neighbours(await openPerimeter('routed'));
    try {
      await opened.#build();
    } catch (error) {
      await opened.lab.close();
      throw error;
    }
    return opened;
  }

  async #build(): Promise<void> {
    const { lab, router, server: network } = this.lab;
    // The laboratory has that of the first.
    await router.must('ip', 'rule', 'add', 'fwmark', String(second.divertMark), 'lookup', '100');
    await loadNft(router, operatorsTable);
    for (const { name, server } of [first, second]) {
      const started = await startServerAt(lab, server.name, { ...server, network: network.name });
      await writeFile(join(started.files, 'file.bin'), file);
      await writeFile(join(started.files, 'large.bin'), largeFile);
      this.#servers.set(name, started);
    }
  }

  /** A gateway that is neither ready nor ended yet. */
  async launch(neighbour: Neighbour): Promise<RunningProgram> {
    this.#runs += 1;
    const path = join(this.lab.lab.folder, `${neighbour.name}-${this.#runs}.yaml`);
    await writeFile(path, settings(neighbour));
    return this.lab.lab.start(process.execPath, [executable, 'run', path], { network: this.lab.router.name });
  }

  async start(neighbour: Neighbour): Promise<RunningProgram> {
    const program = await this.launch(neighbour);
    await loggedLine(program, { msg: 'ready' });
    return program;
  }

  /** Its table, with handles and elements, without what counts or runs down. */
  async listing({ name }: Neighbour): Promise<string> {
    const listed = await this.lab.router.must('nft', '--stateless', '--handle', 'list', 'table', 'inet', name);
    // What was tried of late runs down as well.
    return listed.replaceAll(/\tset tries[46] \{.*?\n\t\}\n/gs, '');
  }

  async pinholes({ name }: Neighbour): Promise<string[]> {
    return (await elements(this.lab.router, name, 'pinholes4')).map(({ key }) => key.replaceAll(' ', ' . '));
  }

  async waiting(neighbour: Neighbour): Promise<Waiting> {
    const control = await this.#login(neighbour);
    const { host, port } = passiveEndpoint(await control.ask('PASV'));
    assert.equal(host, neighbour.server.host);
    return { control, port, element: `198.51.100.2 . ${host} . ${port}` };
  }

  /** It is used at last, and the file comes. */
  async served({ server: { host } }: Neighbour, { control, port }: Waiting): Promise<void> {
    control.send('RETR files/file.bin\r\n');
    const data = await this.lab.client.enter(() => dial({ host, port }));
    assert.deepEqual(await receiveAll(data), { octets: file, how: 'end' });
    assert.match(await control.reply(), /^150/);
    assert.match(await control.reply(), /^226/);
    control.close();
  }

  /** A large download that has begun; it has arrived when the server has said so too. */
  async underWay(neighbour: Neighbour): Promise<LargeFlow> {
    const control = await this.#login(neighbour);
    const target = passiveEndpoint(await control.ask('PASV'));
    control.send('RETR files/large.bin\r\n');
    const data = await this.lab.client.enter(() => dial(target));
    this.lab.lab.onClose(() => void data.destroy());
    assert.match(await control.reply(), /^150/);
    const flow = download(data);
    await flow.goesOn();
    const arrives = async (): Promise<void> => {
      await flow.arrives();
      assert.match(await control.reply(), /^226/);
      control.close();
    };
    return { ...flow, arrives };
  }

  /** A real client does its work there. */
  works({ name, server }: Neighbour, modes?: readonly DataMode[]): Promise<void> {
    return thereAndBack(this.lab, this.#servers.get(name)!, server, modes);
  }

  async #login({ name, server }: Neighbour): Promise<RawControl> {
    const control = await this.lab.client.enter(() => RawControl.login(server, this.#servers.get(name)!));
    this.lab.lab.onClose(() => control.close());
    assert.match(await control.ask('TYPE I'), /^200/);
    return control;
  }
}
