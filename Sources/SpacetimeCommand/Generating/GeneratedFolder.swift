import SpacetimeBindings

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The folder that generated code is put into.
struct GeneratedFolder {
    let path: String

    /// What was done.
    struct Outcome {
        var written: [String] = []
        var unchanged = 0
        var removed: [String] = []
    }

    /// Writes the files whose text has changed.
    ///
    /// - Throws: before anything is written, if somebody's own file stands where one is to be.
    func write(_ files: [BindingFile]) throws(CommandFailure) -> Outcome {
        var outcome = Outcome()
        var changed: [BindingFile] = []
        var own: [String] = []
        for file in files {
            guard let bytes = try UserFile.read(path(of: file.path)) else {
                changed.append(file)
                continue
            }
            if bytes.elementsEqual(file.text.utf8) {
                outcome.unchanged += 1
            } else if Self.isGenerated(bytes) {
                changed.append(file)
            } else {
                own.append(path(of: file.path))
            }
        }
        guard own.isEmpty else {
            throw CommandFailure(
                .refused,
                "these files were written by somebody, and generated ones would take their places: \(own.joined(separator: ", ")); "
                    + "move them, or name another folder with --out-dir")
        }
        for file in changed {
            let path = path(of: file.path)
            try UserFile.makeDirectory(of: path, mode: 0o755)
            try UserFile.write(Array(file.text.utf8), to: path, mode: 0o644)
            outcome.written.append(path)
        }
        return outcome
    }

    /// The generated files in the folder that are none of these. Others are never named.
    func outdated(_ files: [BindingFile]) throws(CommandFailure) -> [String] {
        let wanted = Set(files.map { path(of: $0.path) })
        var outdated: [String] = []
        for file in FolderContents.files(in: path) where !wanted.contains(file) {
            if let bytes = try UserFile.read(file), Self.isGenerated(bytes) { outdated.append(file) }
        }
        return outdated.sorted()
    }

    /// Removes files, and the folders that are empty then.
    func remove(_ files: [String]) throws(CommandFailure) {
        for file in files {
            guard unlink(file) == 0 || errno == ENOENT else {
                throw CommandFailure(.refused, "'\(file)' cannot be removed: \(String(cString: strerror(errno)))")
            }
            var folder = file
            while let slash = folder.lastIndex(of: "/"), folder[..<slash].utf8.count > path.utf8.count {
                folder = String(folder[..<slash])
                guard rmdir(folder) == 0 else { break }
            }
        }
    }

    private func path(of file: String) -> String { path + "/" + file }

    private static func isGenerated(_ bytes: [UInt8]) -> Bool {
        Bindings.isGenerated(String(decoding: bytes.prefix(100), as: UTF8.self))
    }
}
