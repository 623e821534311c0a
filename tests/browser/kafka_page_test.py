"""The page /kafka in a real browser: topics, groups, and a partition's records, without a person in them."""

import unittest
import uuid

from selenium.webdriver import Keys

from browser import text, texts
from page import PageTest

from processes import frozen


class KafkaPage(PageTest):
    def placed_with_persons(self):
        """(an order that is final, what nobody but its customer may read)"""
        mark = uuid.uuid4().hex[:12]
        self.customer = f"CUST-{mark}"
        order_id = self.place(self.order(self.product(), shipment={"recipient": f"Kim {mark}", "address": {
            "line1": mark, "city": mark, "postalCode": mark, "country": "KR"}}))
        self.final(order_id)
        return order_id, mark

    def open_partition_of(self, order_id, topic="order-events"):
        """From the dashboard, by its links, to where the order's records lie."""
        self.open("/")
        self.driver.find_element("id", "kafka").click()
        self.see("#connection", "Live, by polling")
        self.driver.find_element("link text", topic).click()
        self.assertTrue(self.soon(lambda: len(texts(self.driver, "#partitions .chip")) >= 6))
        for chip in self.links("#partitions .chip"):
            self.driver.get(chip)
            self.assertTrue(self.soon(lambda: text(self.driver, "#records")))
            if f"/orders/{order_id}" in "".join(self.links("#records .subject a")):
                return
        self.fail(f"{topic}: the page shows no record of {order_id}")

    def test_leads_to_an_orders_records_without_a_person_in_them(self):
        order_id, mark = self.placed_with_persons()
        self.open_partition_of(order_id)
        self.assertEqual(self.driver.title, "order-events · Kafka · orderflow")
        offsets = [int(shown.replace(",", "")) for shown in texts(self.driver, "#records .offset")]
        self.assertEqual(offsets, sorted(offsets, reverse=True))
        row = self.driver.find_element(
            "xpath", f"//a[@href='/orders/{order_id}']/ancestor::details[contains(., 'OrderPlaced')]")
        summary = row.find_element("tag name", "summary")
        self.driver.execute_script("arguments[0].focus()", summary)
        summary.send_keys(Keys.ENTER)
        self.assertIsNotNone(row.get_attribute("open"))
        self.assertIn("/order-service", row.text)
        self.assertIn('"customerId": •••', row.text)
        self.assertIn('"total": 1500', row.text)
        self.assertNotIn(mark, self.driver.page_source)
        same = self.unchanged()
        self.final(self.place(self.order(self.product())))
        self.soon(lambda: False, 4)  # until it has asked again
        self.assertIsNotNone(row.get_attribute("open"), "what somebody has opened is closed again")
        self.assertTrue(same())
        self.driver.execute_script("document.querySelector('#records .subject a').click()")
        self.assertTrue(self.soon(lambda: "/orders/" in self.driver.current_url))

    def test_counts_what_a_group_has_not_read(self):
        self.final(self.place(self.order(self.product())))
        self.open("/kafka")
        self.assertEqual(len(texts(self.driver, "#topics tbody tr")), 9)
        self.assertEqual(set(texts(self.driver, "#topics .badge")), {"In sync"})
        cells = lambda: self.driver.execute_script("""
            const rows = [...document.querySelectorAll("#groups > table > tbody > tr")];
            const row = rows.find((one) => one.cells[0].textContent === "shipping-service");
            return [...row.cells].map((cell) => cell.innerText)""")  # in one step: the page redraws it
        self.assertTrue(self.soon(lambda: cells()[1:5] == ["0", "1", "0", "Reading"]), cells())
        self.stack.stop("shipping")
        self.addCleanup(self.stack.restart)
        order_id = self.place(self.order(self.product()))
        self.assertTrue(self.soon(lambda: cells()[2:5] == ["0", "0", "No members"] and int(cells()[1]) >= 2), cells())
        self.driver.execute_script("document.querySelectorAll('#groups summary')[3].click()")
        self.assertTrue(self.soon(lambda: "no member" in cells()[5]), cells())
        self.stack.restart()
        self.final(order_id, 40)
        self.assertTrue(self.soon(lambda: cells()[1:5] == ["0", "1", "0", "Reading"], 30), cells())
        self.assertIn("order-events / 5", cells()[5])  # it is still open

    def test_says_that_kafka_is_frozen(self):
        self.expected = "/api/kafka/"
        self.open("/kafka?topic=order-events&partition=0")
        self.see("#connection", "Live, by polling")
        rows = texts(self.driver, "#topics tbody tr")
        with frozen(self.stack.pid("kafka")):
            self.see("#connection", "Partly live")
            self.assertIn("Kafka does not answer", text(self.driver, "#note"))
            self.assertEqual(len(texts(self.driver, "#topics tbody tr")), len(rows))
        self.see("#connection", "Live, by polling", 30)
        self.assertTrue(self.soon(lambda: self.driver.execute_script("return document.getElementById('note').hidden")))

    def test_says_what_is_not_there(self):
        self.expected = "/api/kafka/records"
        for query, said in (("topic=nothing&partition=0", "There is no such partition."),
                            ("topic=order-events&partition=x", "This request is not valid"),
                            ("topic=dead-letter-queue&partition=77", "There is no such partition.")):
            with self.subTest(query):
                self.open("/kafka?" + query)
                self.assertTrue(self.soon(lambda said=said: said in text(self.driver, "#records")))


if __name__ == "__main__":
    unittest.main()
