public import SpacetimeClient
import SpacetimeHost
public import SpacetimeKit
public import SpacetimeProtocol
public import SpacetimeSATS

/// Connects clients to a database in this program, without a socket: they say and are told what they would be over the network.
///
/// ```swift
/// let client = try await DatabaseClient.connect(to: database, as: "ada")
/// ```
///
/// So one program text serves a game that is played alone and one that is played over the network, and its tests need no server.
/// What differs: a client that the module refuses is told why, where a socket is only closed.
/// Calls of such a client cost messages; `Database` and `Connection` call without any.
public struct LocalTransport<Definition: ModuleDefinition>: ClientTransport {
    private let database: Database<Definition>
    private let identity: Identity
    private let isConfirmed: Bool

    /// A transport to a database.
    ///
    /// - Parameters:
    ///   - database: stays open as long as the transport, or a client with it, is there.
    ///   - identity: who the client is. Nothing is checked.
    ///   - confirmedReads: whether the client is told of commits only when they are durable.
    public init(_ database: Database<Definition>, as identity: Identity, confirmedReads: Bool = true) {
        self.database = database
        self.identity = identity
        isConfirmed = confirmedReads
    }

    /// Nothing is compressed.
    public var compression: Compression { .none }

    /// Takes nothing apart.
    public var decompressor: any PayloadDecompressor { NoCompression() }

    public func open(
        _ opening: TransportOpening, _ receiver: TransportReceiver
    ) async throws(ClientError) -> OpenedTransport {
        let core = database.core
        let caller: Caller
        do { caller = try await core.connections.connect(identity, credentials: "") } catch {
            throw ClientError(.refused, "the module refused the client: \(error)")
        }
        let connection = LocalConnection(
            core, caller, receiver, isConfirmed: isConfirmed, tellsOffsets: opening.wantsOffsets)
        connection.begin()
        return OpenedTransport(connection: connection, subprotocol: .v3)
    }
}

extension DatabaseClient {
    /// Connects to a database in this program, without a socket. See ``LocalTransport``.
    ///
    /// - Parameters:
    ///   - database: a database that is open.
    ///   - name: the name of the user, whose identity is that of `Database.connect(as:)`.
    ///   - options: how the client behaves.
    /// - Throws: as `DatabaseClient.connect()`.
    public static func connect<Definition: ModuleDefinition>(
        to database: Database<Definition>, as name: String, options: ClientOptions = ClientOptions()
    ) async throws -> DatabaseClient {
        let transport = LocalTransport(database, as: .local(name), confirmedReads: options.confirmedReads ?? true)
        return try await connect(to: "localhost", database: "local", over: transport, options: options)
    }
}
