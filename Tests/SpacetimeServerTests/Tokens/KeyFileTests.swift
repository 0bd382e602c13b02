import Foundation
import SpacetimeHost
import SpacetimeSATS
import Testing

@testable import SpacetimeServer

/// The files that a server's keys are kept in.
@Suite struct KeyFileTests {
    func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? Int)
    }

    func accepts(_ keys: TokenKeys, _ token: String) async -> Bool {
        var options = TokenOptions()
        options.keys = keys
        let authority = TokenAuthority(options, documents: StubDocuments())
        return (try? await authority.authenticate(authorization: nil, queryToken: token)) != nil
    }

    func token(_ keys: TokenKeys) -> String {
        var options = TokenOptions()
        options.keys = keys
        return TokenAuthority(options, documents: StubDocuments()).issue().token
    }

    @Test func theFirstStartMakesBothFilesForTheUserAlone() async throws {
        let (first, second) = try withTemporaryDirectory { directory in
            let keys = try TokenKeys(directory: directory + "/keys")
            let path = directory + "/keys/id_ecdsa"
            #expect(try mode(path) == 0o600)
            #expect(try mode(directory + "/keys") == 0o700)
            #expect(try String(contentsOfFile: path, encoding: .utf8).hasPrefix("-----BEGIN PRIVATE KEY-----"))
            let text = try String(contentsOfFile: path + ".pub", encoding: .utf8)
            #expect(text.hasPrefix("-----BEGIN PUBLIC KEY-----"))
            #expect(keys.publicKeyText == text)
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory + "/keys").count == 2)
            return (keys, try TokenKeys(directory: directory + "/keys"))
        }
        #expect(await accepts(second, token(first)), "the next start finds the same keys")
        #expect(await !accepts(TokenKeys(), token(first)))
    }

    @Test(arguments: ["id_ecdsa", "id_ecdsa.pub"]) func oneFileWithoutTheOtherIsRefused(name: String) throws {
        try withTemporaryDirectory { directory in
            _ = try TokenKeys(directory: directory)
            try FileManager.default.removeItem(atPath: "\(directory)/\(name)")
            do {
                _ = try TokenKeys(directory: directory)
                Issue.record("it started")
            } catch let error as DatabaseError {
                #expect(error.code == .incompatibleFiles)
                #expect(error.message.contains("but not '\(directory)/\(name)'"), "\(error.message)")
            }
            #expect(!FileManager.default.fileExists(atPath: "\(directory)/\(name)"))
        }
    }

    @Test(arguments: ["id_ecdsa", "id_ecdsa.pub"]) func filesOfAnotherFormAreRefused(name: String) throws {
        try withTemporaryDirectory { directory in
            _ = try TokenKeys(directory: directory)
            for text in ["", "no key", OwnTokenTests.workedKey] {
                if text == OwnTokenTests.workedKey, name == "id_ecdsa" { continue }
                try text.write(toFile: "\(directory)/\(name)", atomically: false, encoding: .utf8)
                #expect(throws: DatabaseError.self) { try TokenKeys(directory: directory) }
            }
        }
    }

    /// As OpenSSH has it; but a group may read, since that is how containers are given secrets.
    @Test(arguments: [0o600, 0o400, 0o640, 0o440, 0o644, 0o604, 0o602, 0o660, 0o620, 0o601, 0o777])
    func aPrivateKeyThatOthersMayReadIsRefused(mode: Int) throws {
        try withTemporaryDirectory { directory in
            _ = try TokenKeys(directory: directory)
            let path = directory + "/id_ecdsa"
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            if [0o600, 0o400, 0o640, 0o440].contains(mode) {
                #expect(throws: Never.self) { try TokenKeys(directory: directory) }
                return
            }
            for load in [
                { try TokenKeys(directory: directory) },
                { try TokenKeys(privateKeyPath: path, publicKeyPath: path + ".pub") },
            ] {
                let error = #expect(throws: DatabaseError.self) { try load() }
                #expect(error?.code == .incompatibleFiles)
                #expect(error?.message.contains("chmod 600 '\(path)'") == true)
            }
            // Nothing of it was changed.
            #expect(try self.mode(path) == mode)
        }
    }

    @Test func twoFilesByTheirPathsAreMadeAndFoundAgain() throws {
        try withTemporaryDirectory { directory in
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            let paths = (directory + "/private.pem", directory + "/public.pem")
            let keys = try TokenKeys(privateKeyPath: paths.0, publicKeyPath: paths.1)
            #expect(try mode(paths.0) == 0o600)
            let again = try TokenKeys(privateKeyPath: paths.0, publicKeyPath: paths.1)
            #expect(again.publicKeyText == keys.publicKeyText)
        }
    }

    @Test func aDirectoryThatCannotBeMadeIsRefused() {
        let error = #expect(throws: DatabaseError.self) { try TokenKeys(directory: "/dev/null/keys") }
        #expect(
            error?.message
                == "the directory '/dev/null/keys' for the keys cannot be made: Not a directory; give the path of a "
                + "directory, or of nothing in one that this user may write to")
    }

    @Test func tokensSurviveTheRotationOfKeysUntilTheOldOneIsRemoved() async throws {
        let (old, rotated, twice, removed) = try withTemporaryDirectory { directory in
            let old = try TokenKeys(directory: directory)
            try TokenKeys.rotate(in: directory)
            let rotated = try TokenKeys(directory: directory)
            try TokenKeys.rotate(in: directory)
            let twice = try TokenKeys(directory: directory)
            #expect(try mode(directory + "/id_ecdsa") == 0o600)
            try FileManager.default.removeItem(atPath: directory + "/id_ecdsa-1.pub")
            return (old, rotated, twice, try TokenKeys(directory: directory))
        }
        #expect(Set([old, rotated, twice].map(\.publicKeyText)).count == 3)
        #expect(await accepts(rotated, token(old)))
        #expect(await accepts(twice, token(old)))
        #expect(await accepts(twice, token(rotated)))
        #expect(await !accepts(removed, token(old)))
        #expect(await accepts(removed, token(rotated)))
        #expect(await !accepts(old, token(rotated)), "the new key is not known to the old server")
    }

    /// The steps of a rotation are the two files aside, the private key in place, the public key in place.
    @Test func aRotationThatWasInterruptedIsFinished() async throws {
        let (old, new) = try withTemporaryDirectory { directory in
            let old = try TokenKeys(directory: directory)
            let path = directory + "/id_ecdsa"
            let oldPublic = try String(contentsOfFile: path + ".pub", encoding: .utf8)
            try TokenKeys.rotate(in: directory)
            // As if the last step had not been made.
            try FileManager.default.moveItem(atPath: path + ".pub", toPath: path + ".pub.new")
            try oldPublic.write(toFile: path + ".pub", atomically: false, encoding: .utf8)
            let new = try TokenKeys(directory: directory)
            #expect(try String(contentsOfFile: path + ".pub", encoding: .utf8) == new.publicKeyText)
            #expect(!FileManager.default.fileExists(atPath: path + ".pub.new"))
            return (old, new)
        }
        #expect(new.publicKeyText != old.publicKeyText)
        #expect(await accepts(new, token(old)))
    }
}
