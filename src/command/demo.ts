// `npm start`: the gateway before the sample server, all on loopback, and three commands to try.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSampleServer } from '../sample/sample-server.ts';
import { loadSettings } from '../settings/load-settings.ts';
import { printProblem } from '../yaml/problem.ts';
import { serve } from './service.ts';

const listen = '127.0.0.1:2121';
const admin = '127.0.0.1:9121';

export async function demo(): Promise<number> {
  const server = await startSampleServer({ host: '127.0.0.1', port: 0 });
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-demo-'));
  try {
    const file = join(folder, 'settings.yaml');
    await writeFile(file, demoSettings(server.port));
    const loaded = loadSettings(file);
    if (!loaded.ok) throw new Error(loaded.reason.map(printProblem).join('\n'));
    return await serve({
      settings: loaded.value,
      reload: () => loadSettings(file),
      onReady: () => process.stdout.write(invitation(file, server.folder)),
    });
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function demoSettings(serverPort: number): string {
  return `# The settings of the demonstration: one listener before the sample server.
listeners:
  - name: demo
    mode: reverse
    listen: ${listen}
    upstream: 127.0.0.1:${serverPort}
    dataPorts: 50000-50099
sessions:
  max: 1000
admin:
  listen: ${admin}
`;
}

function invitation(file: string, folder: string): string {
  return `
Portcullis listens on ${listen}, before a sample FTP server that serves ${folder}
Its settings, as a beginning for yours: ${file}
Try, in another terminal:

  a download            curl ftp://${listen}/README.txt
  an upload             curl -T package.json ftp://${listen}/in/
  a bounce, refused     curl -Q 'PORT 203,0,113,9,31,144' ftp://${listen}/

Live numbers: http://${admin}/    metrics: http://${admin}/metrics    end: Ctrl-C

`;
}
