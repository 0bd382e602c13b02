import ArgumentParser
import ChatModule
import NIOPosix
import SpacetimeClientKit
import SpacetimeClientNIO

/// The chat of `chat-server` in the terminal: the same tables and reducers, linked into a client.
///
///     chat-server &
///     chat-client --name Ada
@main
struct Program: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat-client", abstract: "Talks in a room of a chat server.")

    @Option(help: "Where the server is.")
    var server = "ws://127.0.0.1:3000"
    @Option(help: "The name to be known by; without one it is the one of the last time.")
    var name: String?
    @Option(help: "The room to begin in.")
    var room = "lobby"
    @Option(help: "The folder that keeps who you are.")
    var tokens = ".chat-tokens"

    func run() async throws {
        let client = try await DatabaseClient.connect(
            to: server, database: "chat", over: NIOTransport(), tokens: FileTokenStore(directory: tokens))
        client.onStateChange { state in
            switch state {
            case .waiting(let error, let delay): print("* \(error.message); again in \(delay)")
            case .connected: print("* connected")
            case .connecting, .ended: break
            }
        }
        var session = try await Session(client, room: room)
        if let name { await session.say { try await client.call(Chat.rename, name) } }
        // Reading from the terminal blocks, so a thread does it that nobody else needs.
        while let line = try await NIOThreadPool.singleton.runIfActive({ readLine() }), await session.take(line) {}
        await client.disconnect()
    }
}
