import ArgumentParser
import Logging
import ServiceLifecycle
import SpacetimeHost
import SpacetimeSATS
import SpacetimeServer
import SpacetimeWASM
import UnixSignals

/// `spacetimekit start`
struct StartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Serve databases that are published to the server.",
        discussion: """
            spacetimekit start
                ./data, for this machine alone, on port 3000
            spacetimekit start --data /var/lib/spacetime --host 0.0.0.0 --port 443 \\
              --tls-certificate chain.pem --tls-key key.pem
            spacetimekit start --in-memory --port 0
                a free port, and nothing is kept

            The first line of the output is the address, once the server listens. It ends
            after SIGINT or SIGTERM, when clients were told, and what was promised is on
            disk. Requests that are under way get five seconds; then procedures that
            still run or sleep are ended.
            """)

    /// How long requests may go on after a signal. Who runs programs in containers kills them after ten seconds.
    private static let patience: Duration = .seconds(5)

    @Option(help: "The directory for databases and keys; it is made if there is none.") var data = "data"
    @Flag(help: "Keep nothing: databases and keys are gone when the server ends.") var inMemory = false
    @Option(help: "The address to listen on: 127.0.0.1 is reached from this machine alone, 0.0.0.0 from everywhere.")
    var host = "127.0.0.1"
    @Option(name: [.short, .long], help: "The port to listen on; 0 takes any that is free.") var port = 3000
    @Option(help: "The directory of the keys that sign tokens; by default 'keys' in the one for the data.")
    var keyDir: String?
    @Option(
        help: "A file in PEM form: the certificate, with those that vouch for it behind it. Clients then use https.")
    var tlsCertificate: String?
    @Option(help: "A file in PEM form: the certificate's key.") var tlsKey: String?
    @Flag(help: "Accept tokens that this server issued only, and none of other issuers.") var ownTokensOnly = false
    @Option(help: "What tokens of other issuers have to name as their audience.") var audience: String?
    @Option(help: "The issuer whose tokens alone may create databases; 'localhost' is this server itself.")
    var publishingIssuer: String?
    @Flag(help: "Serve a page at /inspect that shows what is in the databases.") var inspector = false
    @Option(help: "What the server logs: trace, debug, info, notice, warning, error or critical.") var logLevel =
        "notice"

    func validate() throws {
        if !(0...65_535 ~= port) { throw ValidationError("a port is a number from 0 to 65535") }
        if (tlsCertificate == nil) != (tlsKey == nil) {
            throw ValidationError("--tls-certificate and --tls-key belong together")
        }
        if Logger.Level(rawValue: logLevel) == nil { throw ValidationError("'\(logLevel)' is no level of a log") }
    }

    private func options() throws -> ServerOptions {
        var options = ServerOptions(host: host, port: port)
        options.inspector = inspector
        options.publishing.runtime = .webAssembly()
        if !inMemory { options.publishing.directory = data }
        if let keys = keyDir ?? (inMemory ? nil : data + "/keys") {
            options.tokens.keys = try TokenKeys(directory: keys)
        }
        if ownTokensOnly { options.tokens.issuers = .none }
        options.tokens.audience = audience
        options.tokens.publishingIssuer = publishingIssuer
        if let tlsCertificate, let tlsKey {
            options.tls = .files(certificateChain: tlsCertificate, privateKey: tlsKey)
        }
        return options
    }

    /// Where a server is reached from its own machine.
    static func address(_ host: String, _ port: Int, isSecure: Bool) -> String {
        let reached =
            switch host {
            case "0.0.0.0": "127.0.0.1"
            case "::": "[::1]"
            default: host.contains(":") ? "[\(host)]" : host
            }
        return "\(isSecure ? "https" : "http")://\(reached):\(port)"
    }

    func run() async throws {
        let session = CommandSession.current
        var logger = Logger(label: "spacetimekit") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = Logger.Level(rawValue: logLevel) ?? .notice
        let server = SpacetimeServer(options: try options(), logger: logger)
        let (host, isSecure) = (host, tlsCertificate != nil)
        let isDefault = port == 3000 && !isSecure
        let announcement = Task {
            let port = try await server.waitUntilListening()
            let address = Self.address(host, port, isSecure: isSecure)
            try session.print(address)
            let option = isDefault ? "" : " --server \(address)"
            try session.note(
                """
                whoever publishes a database owns it; in another window:
                  spacetimekit login\(option)
                  spacetimekit publish MODULE.wasm NAME\(option)
                """)
            if inspector { try session.note("the inspector is at \(address)/inspect") }
        }
        defer { announcement.cancel() }
        var configuration = ServiceGroupConfiguration(
            services: [.init(service: server)], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = Self.patience
        do { try await ServiceGroup(configuration: configuration).run() } catch is CancellationError {
            // What was cancelled is what took too long.
        }
    }
}
