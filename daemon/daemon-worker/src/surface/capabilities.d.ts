// Capabilities, provided and called.

declare namespace Trunkline {
  interface Capability {
    readonly name: string;
    /** The provider that was asked for, or null. */
    readonly provider: string | null;
    /**
     * Calls a method. It reads what this call would read, and what it throws is thrown here.
     * @throws CAPABILITY_MISSING, CAPABILITY_METHOD_UNKNOWN, CAPABILITY_CYCLE, PLUGIN_DEADLINE, PLUGIN_CRASHED
     */
    call(method: string, input?: unknown): any;
    /** Who provides it now, in the order in which they are chosen. */
    providers(): { plugin: string; version: string }[];
  }

  /** The second argument of a capability's method. */
  interface CapabilityCall {
    /** The plugin that calls. */
    caller: string;
    /** The id of the user who set it off. */
    actor: string;
    tenant: string;
    correlationId: string;
  }

  /** What `onAttach` and `onDetach` hear. */
  interface ProviderLink {
    capability: string;
    /** The provider's slug. */
    provider: string;
    /** The version of the capability. */
    version: string;
    /** Why it leaves; null where it comes. */
    reason: "removed" | "disabled" | "replaced" | null;
    tenant: string;
  }
}
