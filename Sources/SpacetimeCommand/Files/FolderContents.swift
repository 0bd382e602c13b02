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
        for (name, kind) in entries(of: folder) where !name.hasPrefix(".") && name != "node_modules" {
            let path = folder + "/" + name
            switch kind {
            case Int(DT_DIR): files += Self.files(in: path, depth: depth + 1)
            case Int(DT_REG): files.append(path)
            default: break
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
        for (name, kind) in entries(of: folder) where kind == Int(DT_DIR) && !name.hasPrefix(".") {
            removeEmpty(folder + "/" + name, depth: depth + 1)
        }
        rmdir(folder)
    }

    /// The names in a folder, in no order; none if there is no such folder.
    static func names(in folder: String) -> [String] { entries(of: folder).map(\.0) }

    private static func entries(of folder: String) -> [(String, Int)] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var entries: [(String, Int)] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            entries.append((name, Int(entry.pointee.d_type)))
        }
        return entries
    }
}
