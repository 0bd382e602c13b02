import SpacetimeHost
import Synchronization

/// Where a published database comes from.
final class Publication: Sendable {
    /// Hash of the program that it was created with.
    let initialProgram: [UInt8]
    /// Where its files are, by the name that ``RegistryFile`` gave; nil if it is in memory only.
    let directory: String?
    /// The program of its module now, if it is in memory only: else it is among the files.
    let program: Mutex<ModuleProgram?>

    init(initialProgram: [UInt8], directory: String?, program: ModuleProgram?) {
        self.initialProgram = initialProgram
        self.directory = directory
        self.program = Mutex(program)
    }
}
