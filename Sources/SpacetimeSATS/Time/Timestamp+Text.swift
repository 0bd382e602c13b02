extension Timestamp: CustomStringConvertible, LosslessStringConvertible {
    /// RFC 3339 in UTC with microseconds, such as `2023-11-14T22:13:20.123456Z`. Years outside of 0...9999, which
    /// RFC 3339 cannot express, carry a sign; ``init(_:)`` reads them too.
    public var description: String {
        let perDay: Int64 = 86_400_000_000
        let (day, time) = microsecondsSinceUnixEpoch.flooredQuotientAndRemainder(perDay)
        let date = CivilDate(daysSinceUnixEpoch: day)
        let (seconds, fraction) = time.quotientAndRemainder(dividingBy: 1_000_000)
        let clock = "\(padded(seconds / 3_600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
        return "\(date)T\(clock).\(padded(fraction, 6))Z"
    }

    /// From RFC 3339 text: a date, `T`, `t` or a space, a time with at most nine digits of fraction, and `Z` or an offset.
    ///
    /// Digits below the microsecond are dropped. A second of 60 is taken as the next minute's 0. A year with a sign may
    /// have up to six digits. Nil for anything else, and for times out of range.
    public init?(_ text: String) {
        var scanner = TimeScanner(text)
        guard let date = scanner.date(), scanner.separator(), let time = scanner.time(), let offset = scanner.offset(),
            scanner.isAtEnd
        else { return nil }
        // The whole second in which the first time of the range lies is itself out of range.
        let seconds = Int128(date.daysSinceUnixEpoch * 86_400 + time.seconds - offset)
        guard let microseconds = Int64(exactly: seconds * 1_000_000 + Int128(time.microseconds)) else { return nil }
        self.init(microsecondsSinceUnixEpoch: microseconds)
    }
}

/// A day of the proleptic Gregorian calendar.
struct CivilDate: CustomStringConvertible {
    var year: Int64
    var month: Int64
    var day: Int64

    init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    // Years are counted from March, so that the leap day comes last; 400 years (an era) have 146,097 days.

    init(daysSinceUnixEpoch days: Int64) {
        let (era, dayOfEra) = (days + 719_468).flooredQuotientAndRemainder(146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    var daysSinceUnixEpoch: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = shiftedYear.flooredQuotientAndRemainder(400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    var isValid: Bool {
        guard (1...12).contains(month) else { return false }
        let back = CivilDate(daysSinceUnixEpoch: daysSinceUnixEpoch)
        return day >= 1 && back.day == day && back.month == month
    }

    var description: String {
        let sign = year < 0 ? "-" : year > 9_999 ? "+" : ""
        return "\(sign)\(padded(Swift.abs(year), 4))-\(padded(month, 2))-\(padded(day, 2))"
    }
}

extension Int64 {
    /// Quotient and remainder such that the remainder is never negative. `divisor` must be positive.
    func flooredQuotientAndRemainder(_ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

/// Reads the parts of an RFC 3339 text, each nil if it is not there.
private struct TimeScanner {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = text[...].utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func number(_ width: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<width {
            guard let character = rest.popFirst(), character >= 48, character <= 57 else { return nil }
            value = value * 10 + Int64(character - 48)
        }
        return value
    }

    private mutating func year() -> Int64? {
        let isNegative = accept("-")
        guard isNegative || accept("+") else { return number(4) }
        let digits = rest.prefix { $0 >= 48 && $0 <= 57 }.count
        guard (4...6).contains(digits), let year = number(digits) else { return nil }
        return isNegative ? -year : year
    }

    mutating func date() -> CivilDate? {
        guard let year = year(), accept("-"), let month = number(2), accept("-"), let day = number(2) else {
            return nil
        }
        let date = CivilDate(year: year, month: month, day: day)
        return date.isValid ? date : nil
    }

    mutating func separator() -> Bool { accept("T") || accept("t") || accept(" ") }

    mutating func time() -> (seconds: Int64, microseconds: Int64)? {
        guard let hour = number(2), hour < 24, accept(":"), let minute = number(2), minute < 60, accept(":"),
            let second = number(2), second <= 60
        else { return nil }
        let seconds = hour * 3_600 + minute * 60 + second
        guard accept(".") else { return (seconds, 0) }
        var fraction: Int64 = 0
        var digits = 0
        while digits < 9, let character = rest.first, character >= 48, character <= 57 {
            if digits < 6 { fraction = fraction * 10 + Int64(character - 48) }
            digits += 1
            rest.removeFirst()
        }
        guard digits > 0 else { return nil }
        for _ in 0..<Swift.max(0, 6 - digits) { fraction *= 10 }
        return (seconds, fraction)
    }

    mutating func offset() -> Int64? {
        if accept("Z") || accept("z") { return 0 }
        let sign: Int64 = accept("-") ? -1 : 1
        guard sign == -1 || accept("+"), let hour = number(2), hour < 24, accept(":"), let minute = number(2),
            minute < 60
        else { return nil }
        return sign * (hour * 3_600 + minute * 60)
    }
}
