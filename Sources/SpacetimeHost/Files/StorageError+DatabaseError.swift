package import SpacetimeDurability
import SpacetimeEngine

extension DatabaseError {
    /// The public face of an error of the files. Cold: it formats text.
    @inline(never)
    package init(_ error: StorageError) {
        let code: Code =
            switch error.code {
            case .damaged: .damaged
            case .newerFormat, .otherDatabase: .incompatibleFiles
            case .disk: error.cause?.code == .locked ? .inUse : .storageFailure
            case .tooLarge: .limitReached
            case .closed: .writesRefused
            case .noSuchOffset: .notPossible
            }
        self.init(code, "\(error)", cause: error)
    }

    /// Whatever was thrown, as an error of this type.
    package init(any error: any Error) {
        switch error {
        case let error as DatabaseError: self = error
        case let error as EngineError: self.init(error)
        case let error as StorageError: self.init(error)
        case let error as DiskError: self.init(.storageFailure, "\(error)", cause: error)
        default: self.init(.internalInconsistency, "\(error)", cause: error)
        }
    }
}
