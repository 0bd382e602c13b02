/// The name that was probably meant.
enum NearestName {
    /// Longer names are not compared, which bounds the time that a wrong name costs.
    private static let lengthLimit = 64

    /// The name among those known that differs least from what was written, or nil if all differ too much.
    static func of(_ name: String, among known: [String]) -> String? {
        if let other = known.first(where: { $0.lowercased() == name.lowercased() }) { return other }
        let written = Array(name.unicodeScalars)
        guard written.count <= lengthLimit else { return nil }
        let limit = max(1, min(3, written.count / 3))
        var best: (distance: Int, name: String)?
        for candidate in known {
            let scalars = Array(candidate.unicodeScalars)
            guard scalars.count <= lengthLimit, abs(scalars.count - written.count) <= limit else { continue }
            let distance = distance(written, scalars)
            if distance <= limit, distance < best?.distance ?? .max { best = (distance, candidate) }
        }
        return best?.name
    }

    /// How many characters are to be put in, left out, exchanged or swapped with their neighbours.
    private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for i in left.indices {
            var row = [i + 1]
            for j in right.indices {
                var cost = min(last[j] + (left[i] == right[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    cost = min(cost, beforeLast[j - 1] + 1)
                }
                row.append(cost)
            }
            (beforeLast, last) = (last, row)
        }
        return last[right.count]
    }
}
