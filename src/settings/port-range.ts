// Ports as the settings name them.

/** Both ends belong to the range. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}
