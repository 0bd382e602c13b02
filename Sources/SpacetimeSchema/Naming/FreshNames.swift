/// Finds names for parts that nobody named, beside those that somebody wrote.
///
/// Which names come out depends on nothing but the order of the calls. All calls together are linear in their number.
package struct FreshNames {
    private var taken: Set<String> = []
    /// By plain name, the number that is tried next.
    private var next: [String: Int] = [:]

    package init() {}

    /// Keeps a name from being taken.
    package mutating func reserve(_ name: String) { taken.insert(name) }

    /// `plain` if nobody has it, else the first of `plain_2`, `plain_3` and so on that is free.
    package mutating func take(_ plain: String) -> String {
        if taken.insert(plain).inserted { return plain }
        var number = next[plain] ?? 2
        while !taken.insert("\(plain)_\(number)").inserted { number += 1 }
        next[plain] = number + 1
        return "\(plain)_\(number)"
    }
}
