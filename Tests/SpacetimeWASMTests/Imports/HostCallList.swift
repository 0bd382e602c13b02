import Foundation

/// A function that hosts offer, as the header of the guests declares it.
struct HostCallDeclaration: Sendable, Equatable {
    enum Parameter: Equatable, Sendable {
        case number, longNumber
        /// An address in the guest's memory.
        case pointer
    }

    /// `10.0`
    let version: String
    let name: String
    let parameters: [(name: String, kind: Parameter)]
    let result: Parameter?

    static func == (left: HostCallDeclaration, right: HostCallDeclaration) -> Bool {
        left.version == right.version && left.name == right.name && left.signature == right.signature
    }

    /// Parameters and result, as letters: `i` for 32 bits, `I` for 64.
    var signature: String {
        parameters.map { Self.letter($0.kind) }.joined() + ">" + (result.map(Self.letter) ?? "")
    }

    private static func letter(_ kind: Parameter) -> String { kind == .longNumber ? "I" : "i" }
}

/// The functions that hosts offer. `Tests/Modules/spacetime.h` is where they are listed, for the guests and for the tests.
enum HostCallList {
    static let all: [HostCallDeclaration] = {
        guard
            let header = try? String(
                contentsOfFile: GuestPrograms.package + "/Tests/Modules/spacetime.h", encoding: .utf8)
        else {
            return []
        }
        let pattern = /\nIMPORT\("(?<version>[0-9.]+)", (?<result>\w+), (?<name>\w+),\s*\((?<parameters>[^)]*)\)\);/
        return header.matches(of: pattern).map { match in
            HostCallDeclaration(
                version: String(match.version), name: String(match.name), parameters: parameters(match.parameters),
                result: match.result == "void" ? nil : kind(match.result))
        }
    }()

    /// The place of a function in the list, by which the probe calls it.
    static func position(_ name: String) -> Int? { all.firstIndex { $0.name == name } }

    private static func parameters(_ text: Substring) -> [(name: String, kind: HostCallDeclaration.Parameter)] {
        if text == "void" { return [] }
        return text.split(separator: ",").map { parameter in
            let name = parameter.reversed().prefix { $0.isLetter || $0 == "_" }.reversed()
            return (String(name), parameter.contains("*") ? .pointer : kind(parameter.drop { $0.isWhitespace }))
        }
    }

    private static func kind(_ type: Substring) -> HostCallDeclaration.Parameter {
        type.hasPrefix("i64") || type.hasPrefix("u64") ? .longNumber : .number
    }
}
