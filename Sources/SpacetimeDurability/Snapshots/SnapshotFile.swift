/// What snapshot files have in common. `SnapshotFormat` draws them.
package enum SnapshotFile {
    package static let suffix = ".snapshot"
    package static let partialSuffix = ".partial"

    /// The `nextOffset` of the complete snapshots in a directory, newest first. A directory that is not there has none.
    package static func list(_ disk: any Disk, directory: String) throws(StorageError) -> [UInt64] {
        var names: [String] = []
        do throws(DiskError) { names = try disk.list(directory) } catch  where error.code == .notFound {
        } catch {
            throw StorageError(from: error)
        }
        return names.compactMap { FileName.offset($0, suffix) }.sorted(by: >)
    }

    /// Removes what interrupted writers of snapshots or log files left.
    package static func removeLeftovers(_ disk: any Disk, directory: String) {
        guard let names = try? disk.list(directory) else { return }
        for name in names where isLeftover(name) { try? disk.remove(directory + "/" + name) }
    }

    package static func isLeftover(_ name: String) -> Bool {
        [suffix, logSuffix].contains { FileName.offset(name, $0 + partialSuffix) != nil }
    }

    package static func path(_ directory: String, _ nextOffset: UInt64) -> String {
        directory + "/" + FileName.make(nextOffset, suffix)
    }
}

extension FileHeader.Kind {
    static var snapshot: Self { Self(magic: 0x504E_5354_494B_5453, version: 1, name: "snapshot") }  // "STKITSNP"
}
