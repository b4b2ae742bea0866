/** The SDK's own name and version, as they stand in an event's `source`. */
export const NAME = "audit-layer-typescript";
export const VERSION = "0.1.0";
