import SpacetimeKit
import SpacetimeTestSupport

/// What a module as wide as that of a real game costs its author: building it, building it again after one edit, the
/// compiler's memory, and opening a database of it.
///
/// The module is written into a package of its own, which depends on this one and is built as users build theirs. With
/// `--tiny` no package is built: a small module of the same making is part of this program, and opened.
struct WideBench {
    let directory: TemporaryDirectory
    let package: WidePackage
    let isRelease: Bool

    init(release: Bool) throws {
        directory = try TemporaryDirectory()
        package = try WidePackage(directory.path, release: release)
        isRelease = release
    }

    func run(_ sources: WideSources) throws -> [(String, Double)] {
        try package.write(sources.files)
        // So that the first build is that of the module, not that of the library.
        _ = try package.build(target: "SpacetimeKit")
        let first = try package.build(target: "wide")
        var edits: [Double] = []
        for number in 0..<3 {
            try package.write([sources.edited(number)])
            edits.append(try package.build(target: "wide").seconds)
        }
        _ = try package.build(target: nil)
        let figures: [(String, Double)] = [
            ("first_build_seconds", first.seconds), ("edited_build_seconds", edits.sorted()[1]),
            ("compiler_megabytes", first.megabytes),
        ]
        return figures + (try package.openingFigures())
    }

    // MARK: The small size

    /// Checks that the program holds what the generator writes, so that it is known to compile, and opens it.
    static func runTiny() throws -> [(String, Double)] {
        for file in WideSources.sample.files {
            guard try WidePackage.read(WidePackage.sampleDirectory + "/" + file.name) == file.text else {
                throw BenchError.disagreement(
                    "\(file.name) of the wide module's sample is not what is generated; run 'bench --write-sample'")
            }
        }
        var tables = 0
        let opening = try ContinuousClock().measure {
            let database = try Database.open(.inMemory, module: Game.self)
            try database.call(Area00.createActor00, 7, 3)
            tables = try database.read { $0.actor00.owner.filter(7).count }
        }
        guard tables == 1 else { throw BenchError.disagreement("the wide module's sample lost its row") }
        return [("open_ms", Double(opening.components.attoseconds) / 1e15)]
    }

    /// Writes the sample anew, after a change of the generator.
    static func writeSample() throws {
        for file in WideSources.sample.files {
            try WidePackage.write(file.text, to: WidePackage.sampleDirectory + "/" + file.name)
        }
    }
}
