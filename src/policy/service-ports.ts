// Which ports above 1023 belong to services that take orders from whoever connects? A data connection of active mode to
// one of them is an attack on that service and not a transfer: the octets of a file become its commands (RFC 2577 §3).
// Must not break: clients choose their data ports at random, so a port is listed only where something worth attacking
// listens. IANA Service Name and Transport Protocol Port Number Registry; what is listed without registration is its
// program's default.

const servicePorts: ReadonlySet<number> = new Set([
  ...[1433, 1521, 3306, 5432, 5984, 6379, 9042, 9200, 9300, 11_211, 27_017], // databases and caches
  ...[2049, 3260], // NFS, iSCSI
  ...[2375, 2376, 2379, 2380, 6443, 10_250], // containers: Docker, etcd, Kubernetes
  ...[1080, 3128, 8000, 8008, 8080, 8081, 8443, 8888], // proxies and web servers
  ...[3389, 5900, 5985, 5986, 6000, 6001], // remote desktops and shells, X11
  ...[4369, 5672, 9092, 61_616], // message queues
  ...[2121, 5060, 5061, 9100], // FTP once more, telephony, printers
]);

/** Does a well-known service listen there? */
export function isServicePort(port: number): boolean {
  return servicePorts.has(port);
}
