"""The surest claim of a sentence carries the sub-event of ACLED's codebook: one table, several sentences a class, none from a corpus."""

import pytest

from tests.streams.claims_of import claims_of

TABLE = """
Armed clash | Government troops traded fire with gunmen on the outskirts of Bamenda overnight.
Armed clash | Security forces engaged the militants in a three-hour shootout in Kupwara, an officer said.
Armed clash | Two policemen lost their lives in an exchange of fire with Maoists in the Bastar forests.
Armed clash | Naxals ambushed a convoy of the reserve police, killing five personnel.
Armed clash | Rival militias battled with machine guns in the streets of Tripoli.
Armed clash | Kurdish fighters repelled an assault by jihadists on the town of Kobane.
Armed clash | Israeli soldiers shot dead a Palestinian gunman who fired at troops near Jenin.
Attack | Unidentified men on a motorcycle shot dead a journalist outside his home in Quetta.
Attack | Bandits killed 30 villagers in a raid on a farming community in Zamfara.
Attack | A priest was stabbed to death by assailants in his parish in Mexico.
Attack | Militiamen massacred at least 60 displaced people in a camp in Ituri.
Attack | An opposition candidate was gunned down at a rally in Honduras.
Attack | Attackers with machetes hacked a dozen farmers to death near Beni.
Abduction/forced disappearance | Pirates seized six crew members of a tanker off the coast of Benin.
Abduction/forced disappearance | Dozens of schoolgirls were snatched from their dormitory by gunmen in Kagara.
Abduction/forced disappearance | The whereabouts of two activists remain unknown after they were taken by masked men from a cafe.
Sexual violence | At least 27 women were raped by armed men on the road to Bukavu, medics said.
Air/drone strike | Jets of the coalition hit a wedding party in Hajjah, medics said.
Air/drone strike | An unmanned aircraft struck a fuel depot in the outskirts of Tripoli.
Air/drone strike | Barrel bombs fell on a residential quarter of Daraya, killing six.
Air/drone strike | Ethiopian planes bombed the regional capital on Friday.
Shelling/artillery/missile attack | Dozens of rockets were fired at the airbase from a truck, the coalition said.
Shelling/artillery/missile attack | Azerbaijani artillery pounded the outskirts of Stepanakert.
Shelling/artillery/missile attack | Mortar rounds landed in a schoolyard in Saada, wounding three pupils.
Shelling/artillery/missile attack | The Houthis fired a ballistic missile towards Riyadh, which was shot down.
Remote explosive/landmine/IED | A bomb planted under a bridge exploded as a bus passed in Narathiwat.
Remote explosive/landmine/IED | Four farmers died after their tractor hit a landmine near Hajjah.
Remote explosive/landmine/IED | A vehicle packed with explosives detonated outside the ministry in Mogadishu.
Suicide bomb | A bomber detonated his explosive vest among worshippers in a mosque in Peshawar.
Suicide bomb | A man wearing explosives blew himself up at the gate of the academy.
Grenade | Attackers threw two hand grenades into a bar in Bujumbura, injuring ten.
Chemical weapon | Medics treated dozens with breathing problems after a chlorine bomb fell on Saraqib.
Peaceful protest | Farmers drove their tractors to the capital to protest against new agriculture laws.
Peaceful protest | Hundreds of nurses held a sit-in outside the health ministry over unpaid salaries.
Peaceful protest | Residents of Sidi Bouzid demonstrated on Sunday demanding jobs.
Peaceful protest | Relatives of the missing formed a human chain in front of the palace.
Protest with intervention | Police dispersed a gathering of teachers in Rabat with batons and water cannon.
Protest with intervention | Authorities detained 30 people at an unauthorised rally in Almaty.
Excessive force against protesters | Troops opened fire on a crowd of demonstrators in Mandalay, killing at least eight.
Excessive force against protesters | A student was shot dead by police during a march in Managua.
Violent demonstration | Youths torched tyres and pelted police with stones during a protest in Kisumu.
Violent demonstration | Rioters set fire to a police station in Minneapolis.
Violent demonstration | Demonstrators stormed the parliament building in Bishkek and ransacked offices.
Mob violence | A crowd lynched a man accused of theft in a market in Port-au-Prince.
Mob violence | Villagers beat two suspected cattle thieves to death in Jonglei.
Mob violence | Supporters of rival parties fought with sticks in Freetown.
Looting/property destruction | Militants burned down a church and several homes in Cabo Delgado.
Looting/property destruction | Soldiers looted aid warehouses in Bentiu.
Looting/property destruction | Israeli bulldozers demolished three houses in the village of Susya.
Agreement | The two sides agreed on a 72-hour humanitarian truce in Gaza.
Agreement | Colombia and the guerrilla group signed a peace accord in Havana.
Agreement | The warring parties swapped 200 prisoners at the Horlivka crossing.
Arrests | Egyptian authorities rounded up more than 100 members of the Brotherhood.
Arrests | Soldiers detained a local council head during a night raid in Nablus.
Arrests | Twelve suspected separatists were apprehended in Buea.
Change to group/activity | The army sent reinforcements and tanks to the border with Sudan.
Change to group/activity | Rwandan troops began withdrawing from Cabo Delgado on Monday.
Change to group/activity | Four rebel factions announced a merger under a new name.
Change to group/activity | Russia moved its warships from the port of Tartus.
Disrupted weapons use | Sappers defused a roadside bomb on the road to Baquba.
Disrupted weapons use | Police found a cache of rifles and ammunition in a house in Cali.
Disrupted weapons use | Air defences shot down two drones over Belgorod.
Disrupted weapons use | Customs officers intercepted a shipment of missile parts at the port of Aden.
Headquarters or base established | Turkish forces built a military point on a hill near Jabal Zawiya.
Headquarters or base established | The militia opened a new training camp in the Qalamoun mountains.
Government regains territory | The Syrian army wrested the village of Hobait from jihadists.
Government regains territory | Iraqi forces liberated the left bank of Mosul from the group.
Government regains territory | Troops cleared three villages of insurgents in Palma district.
Non-state actor overtakes territory | M23 rebels seized Bunagana, a town on the Ugandan border.
Non-violent transfer of territory | The Syrian army entered Manbij after Kurdish forces withdrew under a deal.
Non-violent transfer of territory | Rebels handed over the town of Zabadani to the government and left for Idlib.
"""
ROWS = [tuple(part.strip() for part in line.split(" | ")) for line in TABLE.strip().splitlines()]


@pytest.mark.parametrize(("sub_event", "text"), ROWS)
def test_the_surest_claim_carries_the_codebooks_sub_event(sub_event, text):
    coded = [claim for claim in claims_of(text) if claim.codes.acled_sub_event]
    assert coded, "no coded claim"
    assert max(coded, key=lambda claim: claim.confidence).codes.acled_sub_event == sub_event
