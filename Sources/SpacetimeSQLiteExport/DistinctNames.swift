/// Gives things names that stay apart for SQLite, which takes the ASCII letters `A` and `a` for the same.
///
/// A name is kept if that is possible. Of several that differ only in the case of letters the first in the order of their
/// bytes is kept, and the others get `_2`, `_3` and so on. The result follows from the set of names alone.
struct DistinctNames {
    private var taken: Set<[UInt8]> = []
    private let reservedPrefix: [UInt8]

    /// - Parameters:
    ///   - reserved: names that none may have.
    ///   - reservedPrefix: what no name may begin with; those that would, get `renamed_` in front.
    init(reserved: [String] = [], reservedPrefix: String = "") {
        self.reservedPrefix = Self.folded(reservedPrefix)
        for name in reserved { taken.insert(Self.folded(name)) }
    }

    private static func folded(_ name: String) -> [UInt8] {
        name.utf8.map { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") ? $0 + 32 : $0 }
    }

    private func isReserved(_ folded: [UInt8]) -> Bool {
        !reservedPrefix.isEmpty && folded.starts(with: reservedPrefix)
    }

    /// The names to use, in the order of `names`. Further calls avoid what earlier ones gave out.
    mutating func assign(_ names: [String]) -> [String] {
        var result = names
        var rest: [Int] = []
        for position in names.indices.sorted(by: { names[$0].utf8.lexicographicallyPrecedes(names[$1].utf8) }) {
            let folded = Self.folded(names[position])
            if isReserved(folded) || !taken.insert(folded).inserted { rest.append(position) }
        }
        for position in rest {
            let stem = isReserved(Self.folded(names[position])) ? "renamed_" + names[position] : names[position]
            var name = stem
            var number = 1
            while !taken.insert(Self.folded(name)).inserted {
                number += 1
                name = "\(stem)_\(number)"
            }
            result[position] = name
        }
        return result
    }
}
