#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What is in folders.
enum FolderContents {
    /// All files below a folder, without those that tools keep for themselves. Links are not followed.
    static func files(in folder: String) -> [String] { files(in: folder, depth: 0) }

    private static func files(in folder: String, depth: Int) -> [String] {
        guard depth < 16 else { return [] }
        var files: [String] = []
        for name in names(in: folder) where !name.hasPrefix(".") && name != "node_modules" {
            let path = folder + "/" + name
            switch Kind(of: path) {
            case .folder: files += Self.files(in: path, depth: depth + 1)
            case .file: files.append(path)
            case .other: break
            }
        }
        return files
    }

    /// Removes a folder with the files that ``files(in:)`` finds. What it does not find stays, and the folders around it.
    static func remove(_ folder: String) {
        for file in files(in: folder) { unlink(file) }
        removeEmpty(folder, depth: 0)
    }

    private static func removeEmpty(_ folder: String, depth: Int) {
        guard depth < 16 else { return }
        for name in names(in: folder) where !name.hasPrefix(".") {
            let path = folder + "/" + name
            if Kind(of: path) == .folder { removeEmpty(path, depth: depth + 1) }
        }
        rmdir(folder)
    }

    private enum Kind {
        case file, folder, other

        /// Asked for by itself: what the entry of a folder says of it may be that it is not known, as on some file systems.
        init(of path: String) {
            var facts = stat()
            guard lstat(path, &facts) == 0 else {
                self = .other
                return
            }
            self =
                switch facts.st_mode & S_IFMT {
                case S_IFDIR: .folder
                case S_IFREG: .file
                default: .other
                }
        }
    }

    /// The names in a folder, in no order; none if there is no such folder.
    static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            names.append(name)
        }
        return names
    }
}
