import Crypto
import SpacetimeHost

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The keys of a server: one that signs the tokens it issues, and those whose tokens it accepts as its own.
///
/// ```swift
/// var options = ServerOptions()
/// options.tokens.keys = try TokenKeys(directory: "keys")
/// ```
///
/// Who has the private key can be anybody towards the server: keep its file to yourself.
public struct TokenKeys: Sendable {
    let signing: P256.Signing.PrivateKey
    /// The public half of the key that signs, first, and those that signed before.
    let accepted: [VerificationKey]
    /// The public key as text, to its last byte as it stands in its file.
    let publicKeyText: String

    /// New keys that are nowhere kept: tokens that the server issued are invalid once it has ended.
    public init() {
        let key = P256.Signing.PrivateKey()
        self.init(signing: key, publicKeyText: key.publicKey.pemRepresentation + "\n", retired: [])
    }

    /// The keys in a directory, which is made if it is missing.
    ///
    /// The private key is in `id_ecdsa`, which only its user may read, the public one in `id_ecdsa.pub`; both are made if
    /// neither is there. Public keys in files named like `id_ecdsa-1.pub` signed before, see ``rotate(in:)``.
    ///
    /// Blocks for as long as the disk takes.
    ///
    /// - Throws: `DatabaseError`: `incompatibleFiles` if only one of the two files is there, one holds no key, or they do
    ///   not belong together; `storageFailure` if the disk refuses.
    public init(directory: String) throws {
        self = try KeyFiles(directory).load()
    }

    /// The keys in two files, of which both are made if neither is there.
    ///
    /// - Throws: as ``init(directory:)``.
    public init(privateKeyPath: String, publicKeyPath: String) throws {
        self = try KeyFiles(privateKey: privateKeyPath, publicKey: publicKeyPath).load()
    }

    /// Makes a new pair of keys in a directory, for servers that are started afterwards.
    ///
    /// The old public key is kept in a file of its own, `id_ecdsa-1.pub` and so on: tokens that it signed stay valid until
    /// that file is removed and the server started again. After a crash in between the next start uses the old pair or
    /// the new one, whole.
    ///
    /// - Throws: as ``init(directory:)``.
    public static func rotate(in directory: String) throws {
        try KeyFiles(directory).rotate()
    }

    init(signing: P256.Signing.PrivateKey, publicKeyText: String, retired: [P256.Signing.PublicKey]) {
        self.signing = signing
        self.publicKeyText = publicKeyText
        accepted = ([signing.publicKey] + retired).map { VerificationKey($0) }
    }

    /// A token with these claims, signed.
    func token(_ payload: String) -> String {
        let text = Self.header + "." + Base64URL.text(Array(payload.utf8))
        do {
            let signature = try signing.signature(for: Array(text.utf8))
            return text + "." + Base64URL.text([UInt8](signature.rawRepresentation))
        } catch {
            preconditionFailure("a P-256 key cannot sign: \(error)")
        }
    }

    private static let header = Base64URL.text(Array(#"{"typ":"JWT","alg":"ES256"}"#.utf8))
}
