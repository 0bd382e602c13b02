// The views of the article on live queries in views, compiled by .ci/check-swiftui.

import SpacetimeClientKit
import SwiftUI

@Table(.public)
struct Message {
    @PrimaryKey @AutoIncrement var id: UInt64
    var room: String
    var sent: Timestamp
    var text: String
}

@MainActor
struct Lobby: View {
    @LiveQuery(Message.where { $0.room == "lobby" }, on: client, by: { $0.sent < $1.sent }) var messages

    var body: some View {
        if $messages.isLoading { ProgressView() }
        ForEach(messages, id: \.id) { message in Text(message.text) }
    }
}

@MainActor
struct RoomView: View {
    @LiveQuery<Message> var messages: [Message]

    init(room: String, client: DatabaseClient) {
        _messages = LiveQuery(Message.where { $0.room == room }, on: client)
    }

    var body: some View {
        ForEach(messages, id: \.id) { message in Text(message.text) }
    }
}

/// No network: this is compiled, and not run.
private struct NoNetwork: ClientTransport {
    let compression = Compression.none
    let decompressor: any PayloadDecompressor = NoCompression()

    func open(
        _ opening: TransportOpening, _ receiver: TransportReceiver
    ) async throws(ClientError) -> OpenedTransport {
        throw ClientError(.unreachable, "there is no network")
    }
}

let client = try! DatabaseClient(to: "localhost", database: "chat", over: NoNetwork())
