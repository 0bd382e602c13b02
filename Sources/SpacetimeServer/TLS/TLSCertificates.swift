import NIOSSL
import SpacetimeHost
import Synchronization

/// The certificates that new connections are opened with.
final class TLSCertificates: Sendable {
    private struct Identity: Equatable {
        var chain: [NIOSSLCertificate]
        var key: NIOSSLPrivateKey
    }

    private struct State {
        var identity: Identity
        var context: NIOSSLContext
    }

    private let options: TLSOptions
    private let state: Mutex<State>

    /// - Throws: `DatabaseError` with code `notPossible` if the certificates cannot be read, do not fit the key, or it is not kept
    ///   private.
    init(_ options: TLSOptions) throws(DatabaseError) {
        self.options = options
        let (identity, context) = try Self.load(options)
        state = Mutex(State(identity: identity, context: context))
    }

    /// For one new connection.
    var context: NIOSSLContext { state.withLock { $0.context } }

    /// Looks at the files again.
    ///
    /// - Returns: true if they are others than before, which are used from now on.
    /// - Throws: `notPossible` if they cannot be read. Those of before stay in use.
    func reload() throws(DatabaseError) -> Bool {
        guard case .files = options.source else { return false }
        let (identity, context) = try Self.load(options)
        return state.withLock { state in
            if state.identity == identity { return false }
            state = State(identity: identity, context: context)
            return true
        }
    }

    private static func load(_ options: TLSOptions) throws(DatabaseError) -> (Identity, NIOSSLContext) {
        if case .files(_, let key) = options.source,
            let problem = PrivateFile.problem(key, soThatOthersCould: "pass themselves off as this server")
        {
            throw DatabaseError(.notPossible, problem)
        }
        do {
            let identity: Identity
            switch options.source {
            case .files(let chain, let key):
                identity = Identity(
                    chain: try NIOSSLCertificate.fromPEMFile(chain), key: try NIOSSLPrivateKey(file: key, format: .pem))
            case .texts(let chain, let key):
                identity = Identity(
                    chain: try NIOSSLCertificate.fromPEMBytes(Array(chain.utf8)),
                    key: try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem))
            }
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: identity.chain.map { .certificate($0) }, privateKey: .privateKey(identity.key))
            configuration.minimumTLSVersion = .tlsv12
            // WebSockets are opened over HTTP/1.1.
            configuration.applicationProtocols = ["http/1.1"]
            return (identity, try NIOSSLContext(configuration: configuration))
        } catch {
            let place =
                switch options.source {
                case .files(let chain, let key): "of '\(chain)' and '\(key)'"
                case .texts: "that were given as texts"
                }
            throw DatabaseError(
                .notPossible,
                "the certificates \(place) cannot be used; give a chain and its key in PEM form: \(error)", cause: error
            )
        }
    }
}
