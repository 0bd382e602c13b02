import Synchronization

/// Where a client keeps the token by which a server knows it again.
///
/// `FileTokenStore` of the module SpacetimeClientNIO keeps them in files. Others can be made for a keychain.
public protocol TokenStore: Sendable {
    /// The token that was kept under a key, or nil if there is none.
    func token(for key: String) async throws -> String?

    /// Keeps a token, or forgets it if it is nil.
    func setToken(_ token: String?, for key: String) async throws
}

/// Keeps tokens for as long as the program runs. Copies share them.
public struct MemoryTokenStore: TokenStore {
    private final class Tokens: Sendable {
        let tokens: Mutex<[String: String]>
        init(_ tokens: [String: String]) { self.tokens = Mutex(tokens) }
    }

    private let tokens: Tokens

    /// With tokens that came from elsewhere.
    public init(_ tokens: [String: String] = [:]) { self.tokens = Tokens(tokens) }

    public func token(for key: String) -> String? { tokens.tokens.withLock { $0[key] } }

    public func setToken(_ token: String?, for key: String) { tokens.tokens.withLock { $0[key] = token } }
}
