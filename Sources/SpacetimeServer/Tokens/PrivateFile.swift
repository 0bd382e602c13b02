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

/// Files of private keys, which are of no use once somebody else has them.
enum PrivateFile {
    /// What is wrong if others may read or write a file, or its group may write it; nil if nothing is. As OpenSSH has it, but a
    /// group may read, since that is how containers are given secrets.
    ///
    /// - Parameter harm: what those could do who have the key.
    static func problem(_ path: String, soThatOthersCould harm: String) -> String? {
        // Whatever else is wrong with the file is found when it is read.
        guard let mode = mode(path), mode & 0o027 != 0 else { return nil }
        return
            "the private key '\(path)' may be read or changed by other users of this machine, who could \(harm); give it to "
            + "the user of the server alone: chmod 600 '\(path)'. If others may have read it, make a new one"
    }

    /// Who may do what with a file, whatever links lead to it; nil if there is none.
    private static func mode(_ path: String) -> Int? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        let attributes = try? FileManager.default.attributesOfItem(atPath: String(cString: resolved))
        guard let mode = attributes?[.posixPermissions] else { return nil }
        // What it is depends on which part of Foundation there is.
        return (mode as? any BinaryInteger).map { Int(truncatingIfNeeded: $0) } ?? mode as? Int
    }
}
