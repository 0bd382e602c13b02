/// Numbers as people and programs read them, without Foundation.
package enum Numbers {
    /// A number with a fixed count of decimals.
    package static func fixed(_ number: Double, _ decimals: Int) -> String {
        guard number.isFinite, abs(number) < 1e15 else { return "0" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int64((abs(number) * scale).rounded())
        let sign = number < 0 && scaled > 0 ? "-" : ""
        guard decimals > 0 else { return sign + String(scaled) }
        let fraction = String(scaled % Int64(scale))
        return "\(sign)\(scaled / Int64(scale)).\(String(repeating: "0", count: decimals - fraction.count))\(fraction)"
    }

    /// A whole number in groups of three digits.
    package static func grouped(_ number: Double) -> String {
        let digits = Array(fixed(number, 0))
        var text = ""
        for (position, digit) in digits.enumerated() {
            if position > 0, (digits.count - position) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }
}
