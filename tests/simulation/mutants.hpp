#pragma once
// Mistakes that the invariants must catch. They are planted at run time as decorators of the ports
// between the production code and the simulated world. Each function returns its argument unless
// the mutant of this run concerns that port. One thread.
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "inventory/inventory_store.hpp"
#include "kafka/producer.hpp"
#include "loops/batch.hpp"
#include "kafka/record.hpp"
#include "outbox/relay.hpp"
#include "order/saga/saga_store.hpp"
#include "outbox/unit_of_work.hpp"
#include "payment/payment_gateway.hpp"
#include "payment/payment_store.hpp"
#include "shipping/shipping_store.hpp"
#include "simulation/world.hpp"

namespace orderflow::simulation::mutants {

// The name of each mutant, and the mistake that it makes.
std::vector<std::pair<Mutant, std::string>> all();
std::string name_of(Mutant mutant);

// These three keep a reference. A batch calls a `batch_handler`, which calls the service's own
// handler.
std::unique_ptr<outbox::UnitOfWork> unit_of_work(Mutant mutant, outbox::UnitOfWork& work);
std::unique_ptr<outbox::Ledger> ledger(Mutant mutant, outbox::Ledger& ledger);
std::unique_ptr<loops::BatchHandler> batch_handler(Mutant mutant, loops::BatchHandler& handler);

std::unique_ptr<kafka::RecordSource> record_source(Mutant mutant,
                                                   std::unique_ptr<kafka::RecordSource> source);
std::unique_ptr<kafka::Producer> producer(Mutant mutant, std::unique_ptr<kafka::Producer> producer);
std::unique_ptr<loops::BatchHandler> handler(Mutant mutant,
                                             std::unique_ptr<loops::BatchHandler> handler);
std::unique_ptr<payment::Gateway> gateway(Mutant mutant, payment::Gateway& gateway);

std::unique_ptr<order::SagaStore> store(Mutant mutant, std::unique_ptr<order::SagaStore> store);
std::unique_ptr<payment::PaymentStore> store(Mutant mutant,
                                             std::unique_ptr<payment::PaymentStore> store);
std::unique_ptr<inventory::InventoryStore> store(Mutant mutant,
                                                 std::unique_ptr<inventory::InventoryStore> store);
// The store that the requests to change products use.
std::unique_ptr<inventory::InventoryStore> catalogue_store(
    Mutant mutant, std::unique_ptr<inventory::InventoryStore> store);
std::unique_ptr<shipping::ShippingStore> store(Mutant mutant,
                                               std::unique_ptr<shipping::ShippingStore> store);

}  // namespace orderflow::simulation::mutants
