/// With what a server proves who it is, for `https` and `wss`.
///
/// ```swift
/// var options = ServerOptions(host: "0.0.0.0", port: 443)
/// options.tls = .files(certificateChain: "/etc/tls/chain.pem", privateKey: "/etc/tls/key.pem")
/// ```
public struct TLSOptions: Sendable {
    enum Source: Sendable {
        case files(certificateChain: String, privateKey: String)
        case texts(certificateChain: String, privateKey: String)
    }

    let source: Source
    /// How often the files are looked at for others that have taken their place, as they are when a certificate is renewed.
    /// Connections that are open stay as they are.
    public var reloadInterval: Duration = .seconds(60)

    /// Files in PEM form: the server's certificate with those that vouch for it behind it, and its key. Read when the server
    /// starts, and again when they have changed. The key must be readable by the server's user, and its group at most.
    public static func files(certificateChain: String, privateKey: String) -> TLSOptions {
        TLSOptions(source: .files(certificateChain: certificateChain, privateKey: privateKey))
    }

    /// The same in PEM form as texts, which stay what they are.
    public static func pem(certificateChain: String, privateKey: String) -> TLSOptions {
        TLSOptions(source: .texts(certificateChain: certificateChain, privateKey: privateKey))
    }
}
