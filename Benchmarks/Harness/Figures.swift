/// Prints measured figures: a line for people, or a JSON object a line for programs.
package struct Figures: Sendable {
    package let json: Bool

    package init(json: Bool) { self.json = json }

    package func report(_ bench: String, _ system: String, _ variant: String, _ figures: [(String, Double)]) {
        if json {
            let fields = figures.map { "\"\($0.0)\":\(Numbers.fixed($0.1, 3))" }.joined(separator: ",")
            print("{\"bench\":\"\(bench)\",\"system\":\"\(system)\",\"variant\":\"\(variant)\",\(fields)}")
        } else {
            let fields = figures.map { "\($0.0) \(Numbers.fixed($0.1, 3))" }.joined(separator: ", ")
            print("\(bench) \(system)/\(variant): \(fields)")
        }
    }
}
