import SpacetimeSATS

/// The range of the texts that begin with a prefix, in BSATN: from the prefix itself to the first text that is greater than
/// all of them, which there may not be.
struct TextRange: Hashable {
    let lower: [UInt8]
    let upper: [UInt8]?

    /// Nil if the prefix is no value of the type: ends of ranges must be.
    init?(prefix: [UInt8], type: AlgebraicType) {
        switch type {
        case .string: self.init(text: prefix)
        case .bytes: self.init(bytes: prefix)
        default: return nil
        }
    }

    private init?(text prefix: [UInt8]) {
        guard let text = String(validating: prefix, as: UTF8.self) else { return nil }
        lower = text.bsatn()
        var scalars = Array(text.unicodeScalars)
        // Texts are ordered by their UTF-8 bytes, and that is the order of their scalars' numbers.
        while let last = scalars.popLast() {
            // The numbers between these two are surrogates, which are no scalars.
            let next: UInt32 = last.value == 0xD7FF ? 0xE000 : last.value + 1
            if let next = Unicode.Scalar(next) {
                var successor = String.UnicodeScalarView(scalars)
                successor.append(next)
                upper = String(successor).bsatn()
                return
            }
        }
        upper = nil
    }

    private init(bytes prefix: [UInt8]) {
        lower = prefix.bsatn()
        var end = prefix
        while let last = end.popLast() {
            if last < .max {
                upper = (end + [last + 1]).bsatn()
                return
            }
        }
        upper = nil
    }
}
