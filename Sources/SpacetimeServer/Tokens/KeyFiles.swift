import Crypto
import SpacetimeHost

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Where the keys of a server are kept.
///
/// A pair is first written aside, in files that end in `.new`; renaming the private one into place makes it valid. Whoever
/// finds a public key missing or of another pair, but the right one aside, was interrupted there, and finishes.
struct KeyFiles {
    private let privateKey: String
    private let publicKey: String
    /// Made if it is missing; nil if the files were named each.
    private let directory: String?

    init(_ directory: String) {
        self.directory = directory
        privateKey = directory + "/id_ecdsa"
        publicKey = privateKey + ".pub"
    }

    init(privateKey: String, publicKey: String) {
        self.privateKey = privateKey
        self.publicKey = publicKey
        directory = nil
    }

    // MARK: Reading

    func load() throws(DatabaseError) -> TokenKeys {
        if let directory { try makeDirectory(directory) }
        try requirePrivacy(privateKey)
        switch (try contents(privateKey), try contents(publicKey)) {
        case (nil, nil):
            try makePair()
            return try load()
        case (let secret?, let open):
            return try keys(secret, open)
        case (nil, .some):
            throw incompatible("there is '\(publicKey)', but not '\(privateKey)'", Self.bothOrNone)
        }
    }

    private func keys(_ secret: [UInt8], _ open: [UInt8]?) throws(DatabaseError) -> TokenKeys {
        guard let signing = try? P256.Signing.PrivateKey(pemRepresentation: String(decoding: secret, as: UTF8.self))
        else { throw incompatible("'\(privateKey)' holds no private key of P-256 as PEM", Self.otherFile) }
        let wanted = signing.publicKey.rawRepresentation
        if let open, let key = Self.publicKey(open), key.rawRepresentation == wanted {
            return TokenKeys(
                signing: signing, publicKeyText: String(decoding: open, as: UTF8.self), retired: try retired())
        }
        if let aside = try contents(publicKey + ".new"), Self.publicKey(aside)?.rawRepresentation == wanted {
            try move(publicKey + ".new", to: publicKey)
            return try keys(secret, aside)
        }
        guard let open else { throw incompatible("there is '\(privateKey)', but not '\(publicKey)'", Self.bothOrNone) }
        if Self.publicKey(open) == nil {
            throw incompatible("'\(publicKey)' holds no public key of P-256 as PEM", Self.otherFile)
        }
        throw incompatible("'\(publicKey)' is not the public key of '\(privateKey)'", Self.bothOrNone)
    }

    /// The public keys that signed before.
    private func retired() throws(DatabaseError) -> [P256.Signing.PublicKey] {
        var keys: [P256.Signing.PublicKey] = []
        for path in try retiredPaths() {
            guard let key = Self.publicKey(try contents(path) ?? []) else {
                throw incompatible("'\(path)' holds no public key of P-256 as PEM", Self.otherFile)
            }
            keys.append(key)
        }
        return keys
    }

    private func retiredPaths() throws(DatabaseError) -> [String] {
        guard let directory else { return [] }
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: directory) } catch {
            throw DatabaseError(
                .storageFailure, "the directory '\(directory)' cannot be read: \(Self.reason(error))", cause: error)
        }
        return names.filter { $0.hasPrefix("id_ecdsa-") && $0.hasSuffix(".pub") }.sorted().map { directory + "/" + $0 }
    }

    private static func publicKey(_ pem: [UInt8]) -> P256.Signing.PublicKey? {
        try? P256.Signing.PublicKey(pemRepresentation: String(decoding: pem, as: UTF8.self))
    }

    // MARK: Writing

    func rotate() throws(DatabaseError) {
        let old = try load()
        guard let directory else { return }
        let taken = Set(try retiredPaths())
        var number = 1
        while taken.contains("\(directory)/id_ecdsa-\(number).pub") { number += 1 }
        let aside = "\(directory)/id_ecdsa-\(number).new"
        try make(aside, Array(old.publicKeyText.utf8), mode: 0o644)
        try move(aside, to: "\(directory)/id_ecdsa-\(number).pub")
        try makePair()
    }

    private func makePair() throws(DatabaseError) {
        let key = P256.Signing.PrivateKey()
        try make(publicKey + ".new", Array((key.publicKey.pemRepresentation + "\n").utf8), mode: 0o644)
        try make(privateKey + ".new", Array((key.pemRepresentation + "\n").utf8), mode: 0o600)
        try move(privateKey + ".new", to: privateKey)
        try move(publicKey + ".new", to: publicKey)
    }

    // MARK: The disk

    private func makeDirectory(_ path: String) throws(DatabaseError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw DatabaseError(
                .storageFailure,
                "the directory '\(path)' for the keys cannot be made: \(Self.reason(error)); give the path of a directory, or of "
                    + "nothing in one that this user may write to", cause: error)
        }
    }

    /// What the system said, without what Foundation has put around it.
    private static func reason(_ error: any Error) -> String {
        guard let system = (error as? CocoaError)?.underlying as? POSIXError else { return String(describing: error) }
        return String(cString: strerror(system.code.rawValue))
    }

    /// Nil if there is no such file.
    private func contents(_ path: String) throws(DatabaseError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 && errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw failure("opened", path) }
        defer { close(descriptor) }
        // A key has a few hundred bytes; whatever else the file is, it is not read on.
        var bytes = [UInt8](repeating: 0, count: 65_536)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes {
                read(descriptor, $0.baseAddress! + count, $0.count - count)
            }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw failure("read", path) }
            if got == 0 { break }
            count += got
        }
        return Array(bytes[..<count])
    }

    private func requirePrivacy(_ path: String) throws(DatabaseError) {
        guard let problem = PrivateFile.problem(path, soThatOthersCould: "make tokens for anybody") else { return }
        throw DatabaseError(.incompatibleFiles, problem)
    }

    private func make(_ path: String, _ bytes: [UInt8], mode: mode_t) throws(DatabaseError) {
        unlink(path)
        // The mode counts from the first moment on: nobody else can open the file before it is tightened.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure("made", path) }
        defer { close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + written, $0.count - written) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure("written", path) }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw failure("synced", path) }
    }

    private func move(_ path: String, to target: String) throws(DatabaseError) {
        guard rename(path, target) == 0 else { throw failure("renamed to '\(target)'", path) }
    }

    // MARK: Errors

    private static let bothOrNone =
        "put both files of a pair there, or remove what is there, and new keys are made: all tokens issued so far are "
        + "invalid then"
    private static let otherFile = "put the right file there"

    private func incompatible(_ what: String, _ advice: String) -> DatabaseError {
        DatabaseError(.incompatibleFiles, "the server's keys cannot be used: \(what); \(advice)")
    }

    private func failure(_ what: String, _ path: String) -> DatabaseError {
        let reason = String(cString: strerror(errno))
        return DatabaseError(.storageFailure, "the key file '\(path)' could not be \(what): \(reason)")
    }
}
