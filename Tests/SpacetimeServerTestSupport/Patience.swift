package import SpacetimeServer

/// Longer than any test takes.
private let patience = Duration.seconds(86_400)

extension WebSocketOptions {
    /// For clients without a socket, who answer no pings: a test may wait for a thread longer than a client may be silent.
    package static var patient: WebSocketOptions {
        var options = WebSocketOptions()
        options.idleTimeout = patience
        return options
    }
}

extension LimitPolicy {
    /// Nobody is dropped for being slow: on a machine that has other tests to run, who reads or writes in a test may wait for
    /// a thread for minutes. What is about such a limit sets it.
    package static var patient: LimitPolicy {
        var policy = LimitPolicy()
        policy.handshakeTimeout = patience
        policy.messageTimeout = patience
        policy.bodyTimeout = patience
        policy.sendTimeout = patience
        return policy
    }
}

extension ServerOptions {
    /// On any free port, and ``LimitPolicy/patient``.
    package static func test(_ change: (inout ServerOptions) -> Void = { _ in }) -> ServerOptions {
        var options = ServerOptions(port: 0)
        options.limits = .patient
        change(&options)
        return options
    }
}
