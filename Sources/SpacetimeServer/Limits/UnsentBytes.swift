import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// How much of what a client is sent the system takes in advance of what is on its way.
///
/// Left alone, it takes megabytes of somebody who does not read, one small update after the other, and each costs as much as one
/// that arrives. What it does not take waits in the client's queue, where it costs next to nothing and is bounded by options
/// of this server. Clients that read are none the slower: what is on its way to them is not counted.
enum UnsentBytes {
    static let limit = 128 << 10
    static let option = NIOBSDSocket.Option(rawValue: TCP_NOTSENT_LOWAT)

    /// On the channel's event loop.
    static func bound(_ channel: any Channel) {
        // Sockets of the file system have no such option, and need none: they hold a few hundred kilobytes.
        try? channel.syncOptions?.setOption(
            ChannelOptions.Types.SocketOption(level: .tcp, name: option), value: limit)
    }
}
