import Foundation
import SpacetimeFoundation
import SpacetimeSATS

// The code of the landing page of SpacetimeFoundation.

func bridge(sent: Timestamp, order: Uuid, file: URL) throws -> [Any] {
    let date = Date(sent)  // the nearest that a Date can tell, to the microsecond until the year 2137
    let now = Timestamp(Date.now)
    let id = UUID(order)
    let times = try [Timestamp](bsatn: Data(contentsOf: file))
    return [date, now, id, times]
}
