/// The messages of the second protocol, which ``Subprotocol/v2`` and ``Subprotocol/v3`` speak alike. They differ in that a
/// frame holds one message or any number of them.
public enum V2 {
    /// The largest body that a server fills with messages, in bytes; a larger message goes alone. Clients of the original
    /// pack as much themselves.
    public static let batchByteLimit = 262_144
}
