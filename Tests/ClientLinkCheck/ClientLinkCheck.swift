// A program that uses SpacetimeClient and nothing else. CI inspects the linked binary: the client's core brings along no sockets, no
// Foundation, no Dispatch of its own, and nothing of the database.

import SpacetimeClient

/// A network that nobody can be reached over.
private struct NoNetwork: ClientTransport {
    let compression = Compression.none
    let decompressor: any PayloadDecompressor = NoCompression()

    func open(
        _ opening: TransportOpening, _ receiver: TransportReceiver
    ) async throws(ClientError) -> OpenedTransport {
        throw ClientError(.unreachable, "there is no network to reach \(opening.address) over")
    }
}

@main
enum ClientLinkCheck {
    static func main() async throws {
        let layout = try TableLayout(
            name: "note", columns: [TableLayout.Column(name: "id", type: .u64)], primaryKey: "id", indexes: ["id"])
        var options = ClientOptions()
        options.tables = [layout]
        do {
            _ = try await DatabaseClient.connect(
                to: "wss://localhost", database: "notes", over: NoNetwork(), options: options)
        } catch let error as ClientError where error.code == .unreachable {
            print(error)
            return
        }
        preconditionFailure("somebody was reached without a network")
    }
}
