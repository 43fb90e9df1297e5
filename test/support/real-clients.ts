// Which real FTP clients come to the gateway in tests?

import { basicFtp } from './clients/basic-ftp.ts';
import type { RealClient } from './clients/client.ts';
import { curl } from './clients/curl.ts';
import { ftplib } from './clients/ftplib.ts';
import { lftp } from './clients/lftp.ts';
import { ncftp } from './clients/ncftp.ts';
import { tnftp } from './clients/tnftp.ts';
import { wget } from './clients/wget.ts';

export const realClients: readonly RealClient[] = [curl, lftp, tnftp, wget, ncftp, ftplib, basicFtp];
