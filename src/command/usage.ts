// What can be typed, and which version this is.

import { packageVersion } from '../package-version.ts';

const text = `Portcullis, an FTP-aware gateway.

  portcullis run SETTINGS.yaml      run until SIGTERM (which drains); SIGHUP reloads the settings
      --no-install                  use the nftables table that you have loaded, and leave it there
  portcullis rules SETTINGS.yaml    print the nftables ruleset that \`run\` installs for transparent listeners
  portcullis check SETTINGS.yaml    exit 0, or every problem as file:line:column and exit 1
  portcullis explain SETTINGS.yaml TRANSCRIPT [--against OTHER.yaml] [--json]
                                    what the gateway would do with a conversation, line by line, and by which rule;
                                    a log of curl -v, lftp -d and the like, or a capture (pcap, read by tshark)
  portcullis pinholes SETTINGS.yaml [--json]
                                    the data connections of the gateway that runs with these settings
  portcullis events [--json]        which events the log tells of, and what can be done about each
  portcullis cert --out DIR NAME...
                                    a self-signed pair to try FTPS with, DIR/cert.pem and DIR/key.pem, for these host
                                    names and addresses
  portcullis version
  portcullis                        a demonstration on loopback, before a sample server

Complete commented settings files: deploy/reverse.yaml (before one server), and for a router deploy/routed.yaml,
inbound.yaml, outbound.yaml, both.yaml, routed-ipv6.yaml and ipv6-to-ipv4.yaml; for FTPS deploy/ftps.yaml
`;

/** 0: asked for, to standard output; 2: the words were wrong. */
export function usage(code: 0 | 2): number {
  (code === 0 ? process.stdout : process.stderr).write(text);
  return code;
}

export function version(): number {
  process.stdout.write(`portcullis ${packageVersion()}\n`);
  return 0;
}
