import SpacetimeDurability

/// Calls that are due at even distances, whatever the calls before them took: an open loop.
///
/// A latency counts from when the call was due. In a loop that makes the next call when the last has returned, a pause of
/// 100 ms delays one call and is one figure among millions; here it delays all that were due meanwhile, as it would delay
/// the clients who made them.
struct Arrivals {
    let perSecond: Double
    /// At least so long.
    let seconds: Double

    /// Makes the calls for the time given, and on until `isDone` says so. The thread spins between them: a sleep would end
    /// late by more than most calls take.
    ///
    /// - Parameter call: gets the number of the call and when it was due, in nanoseconds.
    func forEach(until isDone: () -> Bool, _ call: (UInt64, Int64) throws -> Void) rethrows {
        let distance = 1e9 / perSecond
        let start = monotonicNanoseconds()
        var end = Int64.max
        var number: UInt64 = 0
        while true {
            let due = start + Int64(Double(number) * distance)
            var now = monotonicNanoseconds()
            // Those that are due by the end are made and counted, also if that is late.
            if end == .max, Double(now - start) >= seconds * 1e9, isDone() { end = now }
            if due >= end { return }
            while now < due { now = monotonicNanoseconds() }
            try call(number, due)
            number += 1
        }
    }
}
